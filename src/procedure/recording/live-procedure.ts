import { setTimeout as sleep } from 'node:timers/promises';
import type { FieldOfView, RecordedPacket, SourceState } from '../../capture/frame.js';
import { messageOf, ProcedureError } from '../../common/errors.js';
import type { Checklist } from '../../tracking/checklist.js';
import type { Coverage, ManualMark } from '../../tracking/coverage.js';
import type { Sighting, SightingEvent } from '../../tracking/sighting.js';
import type { Current } from '../../tracking/tracker.js';
import { detectionLine } from '../detection-line.js';
import type { NewEntry } from '../entries.js';
import { pauseTimers, readTimers, startTimers, stepTimers, type TimersState } from '../timers.js';
import { coverageEntry } from '../tracked-frames.js';
import { openProcedureWriter, type ClosedProcedure, type ProcedureWriter } from '../writer.js';
import { BestStills, type DueStill } from './best-stills.js';
import { finishRecording } from './finish.js';
import type { LiveDetection, LiveProcedureOptions, LiveProcedureStatus } from './live-options.js';
import { ProcedureVideo } from './procedure-video.js';
import { StillCutter, type HeldFrame } from './still-cutter.js';

/** Frames that were shown when somebody stopped are on their way through the encoder, ms. */
const TAIL_MS = 350;
/** Until the tracker has closed what is in view. */
const FINISH_MS = 1500;

/**
 * One procedure while it is examined: takes everything that its source tells, and keeps it. What `take…` is given is never waited for; marks
 * by people resolve when they are on the disk. Nothing that fails here reaches the picture or the tracker.
 */
export class LiveProcedure {
  readonly #options: LiveProcedureOptions;
  readonly #writer: ProcedureWriter;
  readonly #video: ProcedureVideo;
  readonly #cutter: StillCutter;
  readonly #stills: BestStills;
  readonly #startedMs = performance.now();
  readonly #sightings = new Map<number, Sighting>();
  readonly #byHand = new Map<string, { readonly mark: ManualMark; readonly by: string; readonly reason: string }>();
  readonly #pending = new Set<Promise<unknown>>();
  #checklist: Checklist;
  #timers: TimersState;
  #current: Current = { landmark: null, score: 1 };
  #newest: { frameId: number; ptsUs: number } | null = null;
  #state: LiveProcedureStatus['state'] = 'open';
  #coverage = '';
  #counts = { captures: 0, stills: 0, marks: 0 };
  #paused = false;
  #trouble: string | null = null;
  #headHash: string | null = null;
  #endedMs: number | null = null;
  #isTaking = true;
  #finished: () => void = () => undefined;
  #stopping: Promise<ClosedProcedure> | null = null;

  private constructor(options: LiveProcedureOptions, writer: ProcedureWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#checklist = options.procedure.checklist;
    this.#timers = startTimers(this.#checklist.tract);
    this.#cutter = new StillCutter(options.ffmpeg, options.reorder);
    this.#stills = new BestStills((ptsUs) => this.#cutter.hold(ptsUs));
    const { setRecording, reorder, onChange, openSink, freeBytes, diskEveryMs } = options;
    this.#video = new ProcedureVideo({
      ...{ folder: writer.folder, setRecording, reorder, onChange, openSink, freeBytes, diskEveryMs },
      append: (entry) => {
        this.#append(entry);
      },
      say: (trouble) => {
        this.#say(trouble);
      },
    });
  }

  /**
   * Opens the folder and its journal; frames are recorded from a moment later on.
   * @throws ProcedureError when the folder cannot be made.
   */
  static async start(options: LiveProcedureOptions, now: { fieldOfView: FieldOfView | null }): Promise<LiveProcedure> {
    const { home, key, procedure } = options;
    const writer = await openProcedureWriter(home, { key, procedure });
    const live = new LiveProcedure(options, writer);
    if (now.fieldOfView !== null) live.takeFieldOfView(now.fieldOfView);
    live.#video.begin();
    return live;
  }

  get id(): string {
    return this.#writer.id;
  }

  /** States set by hand, by site. */
  get marks(): readonly ManualMark[] {
    return [...this.#byHand.values()].map(({ mark }) => mark);
  }

  /** Who set the state of a site, and why; null where the machine's word counts. */
  byHand(siteId: string): { readonly by: string; readonly reason: string } | null {
    const found = this.#byHand.get(siteId);
    return found === undefined ? null : { by: found.by, reason: found.reason };
  }

  get status(): LiveProcedureStatus {
    const { label, startedAt } = this.#writer.description;
    return {
      ...{ id: this.id, state: this.#state, label, operator: this.#options.operator, startedAt },
      ...{ totalMs: (this.#endedMs ?? performance.now()) - this.#startedMs, ...readTimers(this.#timers), paused: this.#paused },
      ...{ ...this.#video.status, ...this.#counts, trouble: this.#trouble, headHash: this.#headHash },
    };
  }

  takePacket(packet: RecordedPacket): void {
    if (this.#state !== 'open' && this.#state !== 'closing') return;
    this.#video.take(packet);
    this.#cutter.push(packet);
    this.#stills.retry();
  }

  takeDetection({ detection, measures, current, inferenceMs, annotationAgeMs }: LiveDetection): void {
    if (!this.#isTaking) return;
    const { frameId, ptsUs, quality } = detection;
    this.#newest = { frameId, ptsUs };
    this.#current = current;
    this.#timers = stepTimers(this.#timers, { ptsUs, quality: quality.verdict, landmark: current.landmark });
    this.#track(this.#writer.writeDetection(detectionLine(detection, { measures, current, inferenceMs, annotationAgeMs })));
    for (const still of this.#stills.due(ptsUs)) this.#keepStill(still);
  }

  takeSighting(event: SightingEvent): void {
    const { sighting } = event;
    // What was in view before the procedure began is not a part of it.
    if (event.type === 'sighting-opened' ? !this.#isTaking : !this.#sightings.has(sighting.id)) return;
    this.#sightings.set(sighting.id, sighting);
    if (event.type !== 'sighting-closed') {
      this.#stills.offer(sighting);
      if (event.type === 'sighting-opened') this.#append({ type: event.type, sighting });
      return;
    }
    this.#sightings.delete(sighting.id);
    this.#append({ type: event.type, sighting, reason: event.reason });
    for (const still of this.#stills.close(sighting)) this.#keepStill(still);
    if (!this.#isTaking && this.#sightings.size === 0) this.#finished();
  }

  takeCoverage(found: Coverage): void {
    if (this.#state !== 'open') return;
    const states = JSON.stringify(found.sites.map(({ id, state, manual }) => [id, state, manual]));
    if (states === this.#coverage) return;
    this.#coverage = states;
    this.#append(coverageEntry(found));
  }

  takeSourceState({ state, detail, reconnects }: SourceState): void {
    if (this.#isTaking) this.#append({ type: 'source', state, detail: detail ?? null, reconnects });
  }

  takeFieldOfView(fieldOfView: FieldOfView): void {
    if (this.#isTaking) this.#append({ type: 'field-of-view', fieldOfView });
  }

  takeChecklist(checklist: Checklist): void {
    if (!this.#isTaking) return;
    this.#checklist = checklist;
    this.#timers = { ...this.#timers, tract: checklist.tract };
    this.#append({ type: 'checklist', checklist });
  }

  /** The source turned out not to be recordable. */
  takeNoVideo(detail: string): void {
    this.#video.giveUp();
    this.#say(detail);
  }

  /** Keeps the frame that was seen (by default the newest) in full size; resolves when it is on the disk. */
  async capture({ ptsUs, frameId, by }: { ptsUs?: number; frameId?: number; by?: string }): Promise<{ file: string; fullSize: boolean }> {
    this.#demandOpen();
    const seen = ptsUs === undefined ? this.#newest : { ptsUs, frameId: frameId ?? this.#newest?.frameId ?? 0 };
    const held = seen === null ? null : await this.#holdSoon(seen.ptsUs);
    const picture = await this.#picture(held, seen?.frameId ?? -1);
    if (picture === null || seen === null) {
      throw new ProcedureError('capture-failed', 'This frame is no longer at hand.', { remedy: 'Capture while the picture is shown.' });
    }
    const { landmark } = this.#current;
    const entry = await this.#writer.addStill({
      ...{ type: 'capture', site: null, landmark, quality: null, jpeg: picture.jpeg },
      ...{ frameId: seen.frameId, ptsUs: seen.ptsUs, by: by ?? this.#options.operator },
    });
    this.#counts.captures += 1;
    this.#options.onChange();
    return { file: entry.file, fullSize: picture.fullSize };
  }

  async setSite(site: string, state: NonNullable<ManualMark['state']>, reason: string, by = this.#options.operator): Promise<void> {
    this.#demandSite(site);
    await this.#mark({ type: 'site-set', by, site, state, reason });
    this.#byHand.set(site, { mark: { siteId: site, state }, by, reason });
  }

  async clearSite(site: string, reason: string, by = this.#options.operator): Promise<void> {
    this.#demandSite(site);
    await this.#mark({ type: 'site-cleared', by, site, reason });
    this.#byHand.delete(site);
  }

  note(text: string, by = this.#options.operator): Promise<void> {
    return this.#mark({ type: 'note', by, text, ptsUs: this.#newest?.ptsUs ?? null });
  }

  /** An intervention begins: the withdrawal timer stands still; everything is recorded on. Twice is once. */
  async pause(reason: string | null, by = this.#options.operator): Promise<void> {
    this.#demandOpen();
    if (this.#paused) return;
    this.#setPaused(true);
    await this.#mark({ type: 'pause', by, reason, ptsUs: this.#newest?.ptsUs ?? null });
  }

  async resume(by = this.#options.operator): Promise<void> {
    this.#demandOpen();
    if (!this.#paused) return;
    this.#setPaused(false);
    await this.#mark({ type: 'resume', by, ptsUs: this.#newest?.ptsUs ?? null });
  }

  /**
   * Ends the procedure: the last frames, the sightings that are open, the stills, the timers, a video that can be searched, hashes and seal.
   * `finishTracking` makes the tracker close what is in view. Safe to call twice.
   * @throws ProcedureError when it cannot be closed; the next start of the program then does so.
   */
  stop(finishTracking: () => void, by = this.#options.operator): Promise<ClosedProcedure> {
    // In its own time: what it tells makes others ask to stop again.
    this.#stopping ??= Promise.resolve().then(() => this.#stop(finishTracking, by));
    return this.#stopping;
  }

  async #stop(finishTracking: () => void, by: string): Promise<ClosedProcedure> {
    this.#endedMs = performance.now();
    this.#state = 'closing';
    this.#isTaking = false;
    this.#options.onChange();
    this.#video.shut();
    const finished = new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
    finishTracking();
    await Promise.all([sleep(TAIL_MS), this.#sightings.size === 0 ? null : Promise.race([finished, sleep(FINISH_MS)])]);
    // A source that has fallen silent closes nothing any more.
    for (const sighting of this.#sightings.values()) this.takeSighting({ type: 'sighting-closed', sighting, reason: 'finished' });
    await this.#video.stop();
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    try {
      await this.#writer.append({ type: 'timers', totalMs: this.#endedMs - this.#startedMs, ...readTimers(this.#timers) });
      await finishRecording(this.#writer.folder);
      const closed = await this.#writer.close(by);
      this.#headHash = closed.headHash;
      this.#state = 'closed';
      return closed;
    } catch (error) {
      this.#state = 'failed';
      this.#say(`The procedure could not be closed; it is at the next start. ${messageOf(error)}`);
      await this.#writer.abandon();
      throw error;
    } finally {
      this.#options.onChange();
    }
  }

  #keepStill({ landmark, best, held }: DueStill): void {
    const site = this.#checklist.sites.find(({ landmarks }) => landmarks.includes(landmark))?.id ?? null;
    const keep = async (): Promise<void> => {
      const picture = await this.#picture(held, best.frameId);
      if (picture === null) return;
      const { frameId, ptsUs, quality } = best;
      await this.#writer.addStill({ type: 'still-kept', site, landmark, quality, frameId, ptsUs, jpeg: picture.jpeg });
      this.#counts.stills += 1;
      this.#options.onChange();
    };
    this.#track(keep());
  }

  /** A frame is recorded a moment after it was shown. */
  async #holdSoon(ptsUs: number): Promise<HeldFrame | null> {
    for (let waitedMs = 0; waitedMs < TAIL_MS && this.#video.status.video === 'running'; waitedMs += 50) {
      if ((this.#cutter.newestPtsUs ?? -1) >= ptsUs) break;
      await sleep(50);
    }
    return this.#cutter.hold(ptsUs);
  }

  /** In full size where the frame was recorded, else as it was shown. */
  async #picture(held: HeldFrame | null, frameId: number): Promise<{ jpeg: Uint8Array; fullSize: boolean } | null> {
    // The picture shown may be gone when cutting has failed.
    const shown = this.#options.preview(frameId);
    const cut = held === null ? null : await this.#cutter.cut(held).catch(() => null);
    return cut !== null ? { jpeg: cut, fullSize: true } : shown === null ? null : { jpeg: shown, fullSize: false };
  }

  async #mark(entry: NewEntry): Promise<void> {
    this.#demandOpen();
    await this.#writer.append(entry);
    this.#counts.marks += 1;
    this.#options.onChange();
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#timers = pauseTimers(this.#timers, paused);
  }

  #demandOpen(): void {
    if (this.#state === 'open') return;
    throw new ProcedureError('procedure-closed', 'The procedure has ended: nothing can be added to it here.', {
      remedy: 'Start another one; corrections of a closed one are made in its audit.',
    });
  }

  #demandSite(site: string): void {
    if (this.#checklist.sites.some(({ id }) => id === site)) return;
    throw new ProcedureError('site-unknown', `The checklist has no site "${site}".`, {
      remedy: `Its sites are ${this.#checklist.sites.map(({ id }) => id).join(', ')}.`,
    });
  }

  /** Written in the order of the calls; nobody waits. */
  #append(entry: NewEntry): void {
    this.#track(this.#writer.append(entry));
  }

  #track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.#say(`Part of the procedure could not be kept: ${messageOf(error)}`);
      })
      .finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  #say(trouble: string): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#options.onChange();
  }
}
