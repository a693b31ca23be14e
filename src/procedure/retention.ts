/** What retention has to know of a procedure. */
export interface Keepable {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly state: 'open' | 'closed' | 'interrupted';
  /** Marked for audit. */
  readonly held: boolean;
  readonly bytes: number;
}

export interface RetentionRules {
  /** Procedures older than this go; null: of any age stay. */
  readonly keepDays: number | null;
  /** The oldest go until the rest is no larger; null: of any size stay. */
  readonly keepBytes: number | null;
}

export interface RetentionPlan {
  /** Oldest first. */
  readonly remove: readonly (Keepable & { readonly reason: string })[];
  /** Of what stays. */
  readonly keptBytes: number;
  /** Would go by the rules, but are marked for audit or open. */
  readonly spared: number;
  /** True when what may not be deleted is by itself larger than `keepBytes`. */
  readonly exceeded: boolean;
}

const DAY_MS = 86_400_000;

/** Which procedures go. Those that are marked for audit or open never do, and count towards the size all the same. Pure. */
export function planRetention(procedures: readonly Keepable[], { keepDays, keepBytes }: RetentionRules, nowMs: number): RetentionPlan {
  const oldestFirst = [...procedures].sort((a, b) =>
    a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : a.id < b.id ? -1 : 1,
  );
  let keptBytes = procedures.reduce((sum, { bytes }) => sum + bytes, 0);
  const remove: (Keepable & { reason: string })[] = [];
  let spared = 0;
  for (const procedure of oldestFirst) {
    const days = (nowMs - Date.parse(procedure.startedAt)) / DAY_MS;
    const tooOld = keepDays !== null && days > keepDays;
    const tooMuch = keepBytes !== null && keptBytes > keepBytes;
    if (!tooOld && !tooMuch) continue;
    if (procedure.held || procedure.state === 'open') {
      spared += 1;
      continue;
    }
    keptBytes -= procedure.bytes;
    remove.push({ ...procedure, reason: tooOld ? `older than ${keepDays} days` : `more than ${gigabytes(keepBytes ?? 0)} GB are kept` });
  }
  return { remove, keptBytes, spared, exceeded: keepBytes !== null && keptBytes > keepBytes };
}

function gigabytes(bytes: number): string {
  return String(Math.round(bytes / 1e7) / 100);
}
