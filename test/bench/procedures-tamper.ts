/**
 * Tampers with every file of a closed, twice amended procedure at random, one thing at a time, and asks `verify` each time; between, the
 * folder is put back and must be found intact.
 *
 *   npm run bench -- procedures-tamper [--tamperings 1000] [--seed 1] [--json]
 *
 * The folder has the files of a 15-minute recording at five analysed frames a second, with 2 MB of seeded bytes in place of the video. A
 * tampering that happens to leave the bytes as they were is not counted. Out of scope, because no seal covers them: derived files (the
 * report), the catalogue, and the key.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ProcedureError } from '../../src/common/errors.js';
import { progressBar } from '../../src/common/progress.js';
import { seededRandom } from '../../src/common/random.js';
import { createAmender } from '../../src/procedure/amend.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import { closedTestProcedure, testKey } from '../support/procedures.js';
import { coveredFiles, tamper, TAMPERINGS, type TamperingKind } from '../support/tampering.js';

const FRAMES = 15 * 60 * 5;

interface Count {
  done: number;
  found: number;
  /** Found, and the file that was tampered with is named. */
  named: number;
}

export default async function procedureTamper(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tamperings: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const wanted = Number(values.tamperings);
  const random = seededRandom(Number(values.seed));
  const home = await mkdtemp(join(tmpdir(), 'lumenmark-tamper-'));
  const bar = progressBar();
  try {
    const { folder } = await closedTestProcedure(home, { seed: Number(values.seed), frames: FRAMES, recordingBytes: 2_000_000 });
    const amender = createAmender(testKey());
    await amender.amend(folder, { type: 'site-set', by: 'Auditor', site: 'antrum', state: 'unseen', reason: 'that is the angulus' });
    await amender.amend(folder, { type: 'audit-hold', by: 'Auditor', on: true, reason: 'complaint' });

    const counts = new Map<TamperingKind, Count>(TAMPERINGS.map((kind) => [kind, { done: 0, found: 0, named: 0 }]));
    const verdicts = { altered: 0, unfinished: 0, refused: 0 };
    const missed: string[] = [];
    let falseAlarms = 0;
    for (let done = 0; done < wanted;) {
      // The four kinds at the front of the list come twice as often as the rest.
      const kind = TAMPERINGS[Math.floor(random() * (TAMPERINGS.length + 4)) % TAMPERINGS.length] ?? 'byte edit';
      const tampering = tamper(folder, kind, random);
      if (tampering === null) continue;
      done += 1;
      const result = await verifyProcedure(folder).catch((error: unknown) => {
        if (error instanceof ProcedureError) return null;
        throw error;
      });
      const count = counts.get(kind) ?? { done: 0, found: 0, named: 0 };
      count.done += 1;
      if (result?.verdict === 'intact') missed.push(`${kind} of ${tampering.path}: ${tampering.detail}`);
      else {
        count.found += 1;
        verdicts[result?.verdict ?? 'refused'] += 1;
        if (result?.findings.some(({ path }) => path === tampering.path) === true) count.named += 1;
      }
      tampering.undo();
      if ((await verifyProcedure(folder)).verdict !== 'intact') falseAlarms += 1;
      bar.update({ label: 'tampering', done, total: wanted });
    }
    bar.end();

    if (values.json) {
      console.log(
        JSON.stringify({
          tamperings: wanted,
          seed: Number(values.seed),
          counts: Object.fromEntries(counts),
          verdicts,
          missed,
          falseAlarms,
        }),
      );
    } else {
      console.log(`${coveredFiles(folder).length} files, seed ${values.seed}`);
      for (const [kind, { done, found, named }] of counts) {
        console.log(
          `  ${kind.padEnd(16)} ${String(done).padStart(5)} done, ${String(found).padStart(5)} found, ${String(named).padStart(5)} with the file named`,
        );
      }
      console.log(
        `verdicts: ${verdicts.altered} altered, ${verdicts.unfinished} unfinished (as after a crash), ${verdicts.refused} not readable as a procedure`,
      );
      for (const miss of missed) console.log(`MISSED: ${miss}`);
      console.log(`${wanted - missed.length} of ${wanted} found; ${falseAlarms} of ${wanted} untouched folders wrongly accused`);
    }
    if (missed.length > 0 || falseAlarms > 0) process.exitCode = 1;
  } finally {
    bar.end();
    await rm(home, { recursive: true, force: true });
  }
}
