import type { CoverageMessage, FrameDetection, QualityVerdict } from '../../src/server/protocol.js';
import type { SessionFrame, SessionStats } from '../../src/server/session.js';
import { type FakeSession, frame, stats, tracking } from '../server/fake-session.js';

/** What is in view from one frame on. */
export interface Scene {
  readonly fromFrame: number;
  readonly landmark: string | null;
  readonly quality?: QualityVerdict;
}

/**
 * Plays pictures through a fake session as the pipeline would: every frame as preview, every `analyseEvery`th one analysed two
 * frames later, so that frames carry a detection of their own or of an explicitly older frame.
 */
export class FakeProcedure {
  readonly session: FakeSession;
  readonly #jpegs: readonly Uint8Array[];
  readonly #scenes: readonly Scene[];
  readonly #analyseEvery: number;
  #timer: NodeJS.Timeout | null = null;
  #frameId = 0;
  #detection: Omit<FrameDetection, 'carried'> | null = null;
  #landmark: { id: string; startPtsUs: number } | null = null;
  readonly #coverage: CoverageMessage;

  constructor(
    session: FakeSession,
    jpegs: readonly Uint8Array[],
    scenes: readonly Scene[],
    options: { analyseEvery?: number; unsupported?: readonly string[] } = {},
  ) {
    this.session = session;
    this.#jpegs = jpegs;
    this.#scenes = scenes;
    this.#analyseEvery = options.analyseEvery ?? 3;
    this.#coverage = {
      type: 'coverage',
      sourceId: 's1',
      checklistId: session.checklist.id,
      sites: session.checklist.sites.map(({ id }) => ({
        id,
        state: options.unsupported?.includes(id) === true ? 'unsupported' : 'unseen',
        sightings: 0,
        dwellMs: 0,
        still: null,
        stillFrameId: null,
        byHand: null,
      })),
    };
  }

  /** Runs `count` frames at once. */
  skip(count: number): void {
    for (let step = 0; step < count; step += 1) this.#step();
  }

  start(fps: number): void {
    this.session.emit({ type: 'event', event: 'source', sourceId: 's1', state: 'running', reconnects: 0 });
    this.session.emit(this.#coverage);
    this.#timer = setInterval(() => {
      this.#step();
    }, 1000 / fps);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  get frameId(): number {
    return this.#frameId;
  }

  #sceneAt(frameId: number): Scene {
    const at = frameId % Math.max(1, this.#jpegs.length);
    return this.#scenes.findLast(({ fromFrame }) => fromFrame <= at) ?? { fromFrame: 0, landmark: null };
  }

  #step(): void {
    const frameId = this.#frameId;
    const analysed = frameId - 2;
    if (analysed >= 0 && analysed % this.#analyseEvery === 0) this.#analyse(analysed);
    const detection = this.#detection === null ? null : { ...this.#detection, carried: this.#detection.frameId !== frameId };
    const jpeg = this.#jpegs[frameId % this.#jpegs.length];
    if (jpeg !== undefined) this.session.emit(frame(frameId, { jpeg, detection }) satisfies SessionFrame);
    if (frameId % 25 === 0) this.session.emit(stats({ previewFps: 25, analysedFps: 25 / this.#analyseEvery }) satisfies SessionStats);
    this.#frameId += 1;
  }

  #analyse(frameId: number): void {
    const { landmark, quality = 'good' } = this.#sceneAt(frameId);
    const ptsUs = frameId * 40_000;
    const good = quality === 'good' && landmark !== null;
    const score = good ? 0.72 + 0.2 * Math.abs(Math.sin(frameId / 17)) : 0.4;
    this.#detection = { frameId, ptsUs, label: good ? landmark : null, score, known: good, quality };
    const neighbours =
      landmark === null ? [] : [0, 1, 2, 3].map((exemplar) => ({ exemplar, label: landmark, similarity: 0.93 - exemplar * 0.02 }));
    this.session.emit(
      tracking(frameId, { landmark: good ? landmark : null, score, known: good, quality, frameLabel: landmark, neighbours }),
    );
    this.#sight(good ? landmark : null, frameId, ptsUs);
  }

  #sight(landmark: string | null, frameId: number, ptsUs: number): void {
    const held = this.#landmark;
    if (held !== null && held.id !== landmark) {
      const { id, startPtsUs } = held;
      const closed = {
        type: 'event',
        event: 'sighting-closed',
        sourceId: 's1',
        landmark: id,
        startPtsUs,
        endPtsUs: ptsUs,
        bestFrameId: frameId,
        confidence: 0.9,
      } as const;
      this.session.emit(closed);
      this.#landmark = null;
    }
    if (landmark === null) return;
    if (this.#landmark === null) {
      this.#landmark = { id: landmark, startPtsUs: ptsUs };
      this.session.emit({ type: 'event', event: 'sighting-opened', sourceId: 's1', landmark, startPtsUs: ptsUs });
    }
    this.#cover(landmark, frameId, ptsUs - this.#landmark.startPtsUs);
  }

  /** A site is seen at once, and documented after a second in view. */
  #cover(landmark: string, frameId: number, heldUs: number): void {
    const { checklist } = this.session;
    let changed = false;
    for (const site of this.#coverage.sites) {
      const serves = checklist.sites.find(({ id }) => id === site.id)?.landmarks.includes(landmark) === true;
      if (!serves || site.state === 'unsupported') continue;
      site.dwellMs += this.#analyseEvery * 40;
      changed = true;
      if (site.state === 'unseen') Object.assign(site, { state: 'seen', sightings: 1 });
      if (site.state === 'seen' && heldUs >= 1_000_000) {
        const name = `s1/${site.id}-${frameId}.jpg`;
        const bytes = this.#jpegs[frameId % this.#jpegs.length];
        if (bytes !== undefined) this.session.pictures.set(name, { contentType: 'image/jpeg', bytes });
        Object.assign(site, { state: 'documented', still: `/stills/${name}`, stillFrameId: frameId });
      }
    }
    if (changed) this.session.emit(structuredClone(this.#coverage));
  }
}
