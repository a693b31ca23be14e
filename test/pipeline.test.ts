import { setImmediate } from 'node:timers/promises';
import { lastValueFrom, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { CaptureEvent, FrameSource } from '../src/capture/frame.js';
import type { Embedder } from '../src/inference/embedder.js';
import type { Model } from '../src/models/model.js';
import { trackLandmarks, type PipelineEvent } from '../src/pipeline.js';
import type { GalleryManifest } from '../src/retrieval/gallery.js';
import type { Match } from '../src/retrieval/match.js';

const FRAME_US = 100_000;

/** Two events per frame, as a capture card would give: the picture to look at, then the same one to analyse. */
async function* capture(frames: number, before: (frameId: number) => Promise<void> | void): AsyncGenerator<CaptureEvent> {
  yield { type: 'state', state: 'running', reconnects: 0 };
  for (let frameId = 0; frameId < frames; frameId++) {
    await before(frameId);
    const times = { sourceId: 'card', frameId, ptsUs: frameId * FRAME_US, capturedAtMs: performance.now() };
    yield { type: 'preview', ...times, jpeg: new Uint8Array([frameId]) };
    yield { type: 'analysis', ...times, width: 1, height: 1, pixels: new Uint8Array([frameId, 0, 0]) };
  }
}

function sourceOf(events: AsyncIterable<CaptureEvent>, live: boolean): FrameSource {
  return {
    id: 'card',
    label: 'card',
    live,
    droppedFrames: 0,
    setRecording: () => undefined,
    dispose: () => Promise.resolve(),
    [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
  };
}

const GOOD = { luminance: 0.45, litShare: 0.95, glareShare: 0.01, sharpness: -1.2, redness: 0.45, saturation: 0.45, contrast: 0.18 };
const model: Model = {
  name: 'fake',
  fingerprint: '00',
  graph: new Uint8Array(),
  input: { width: 1, height: 1 },
  dimension: 1,
  backbones: [],
  parts: [],
};

/** Embeds a picture as its first byte; answers when `release` is called, or at once. */
function fakeEmbedder(gate: () => Promise<void> = () => Promise.resolve()): Embedder & { readonly seen: number[]; most: number } {
  const seen: number[] = [];
  let running = 0;
  return {
    model,
    device: { name: 'cpu', reason: 'fake', batchLimit: 1 },
    seen,
    most: 0,
    async embed({ pixels, count }) {
      seen.push(pixels[0]!);
      running += 1;
      this.most = Math.max(this.most, running);
      await gate();
      running -= 1;
      return { count, embeddings: Float32Array.of(pixels[0]!), quality: [GOOD], inferenceMs: 1 };
    },
    dispose: () => Promise.resolve(),
  };
}

const PYLORUS: Match = {
  neighbours: [{ exemplar: 0, label: 'pylorus', similarity: 0.9 }],
  scores: [{ label: 'pylorus', score: 1 }],
  known: true,
  confidence: 0.9,
};
const gallery = { match: (): Match => PYLORUS, labels: ['pylorus', 'z-line'], manifest: { calibration: null } as GalleryManifest };
// The fake gallery errs as rarely as can be.
const tracker = { falseAcceptance: 0.01, falseRejection: 0.01 };

const detectionsOf = (events: readonly PipelineEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'tracked' && event.detection !== null ? [event.detection.frameId] : []));

describe('trackLandmarks', () => {
  it('analyses every frame of a file in order and never holds more than a few in flight', async () => {
    const embedder = fakeEmbedder(() => setImmediate());
    const source = sourceOf(
      capture(30, () => undefined),
      false,
    );
    const events = await lastValueFrom(trackLandmarks({ source, embedder, gallery, tracker }).pipe(toArray()));
    expect(detectionsOf(events)).toEqual(Array.from({ length: 30 }, (_, frameId) => frameId));
    expect(embedder.most).toBeLessThanOrEqual(4);
  });

  it('makes a file wait for inference', async () => {
    const embedder = fakeEmbedder(() => setImmediate());
    let ahead = 0;
    const source = sourceOf(
      capture(30, (frameId) => {
        ahead = Math.max(ahead, frameId - embedder.seen.length);
      }),
      false,
    );
    await lastValueFrom(trackLandmarks({ source, embedder, gallery, tracker }));
    expect(ahead).toBeLessThanOrEqual(4);
  });

  it('shows every picture of a live source while inference is busy, and analyses the newest when it is free again', async () => {
    const held: (() => void)[] = [];
    const embedder = fakeEmbedder(() => new Promise((resolve) => held.push(resolve)));
    const source = sourceOf(
      capture(11, async (frameId) => {
        await setImmediate();
        if (frameId === 10)
          held.splice(0).forEach((release) => {
            release();
          });
        await setImmediate();
      }),
      true,
    );
    let drops = 0;
    const shown: number[] = [];
    const events$ = trackLandmarks({ source, embedder, gallery, tracker, onDrop: (dropped) => (drops = dropped) }).pipe(
      tap((event) => {
        if (event.type === 'preview') shown.push(event.frameId);
        if (shown.length === 11)
          held.splice(0).forEach((release) => {
            release();
          });
      }),
      toArray(),
    );
    const done = lastValueFrom(events$);
    for (let turn = 0; turn < 200; turn++) {
      await setImmediate();
      if (shown.length === 11)
        held.splice(0).forEach((release) => {
          release();
        });
    }
    const detected = detectionsOf(await done);
    expect(shown).toEqual(Array.from({ length: 11 }, (_, frameId) => frameId));
    expect(detected).toEqual([0, 9, 10]);
    expect(drops).toBe(8);
    expect(embedder.most).toBe(1);
  });

  it('closes the open sighting when the source ends', async () => {
    const source = sourceOf(
      capture(20, () => undefined),
      false,
    );
    const events = await lastValueFrom(trackLandmarks({ source, embedder: fakeEmbedder(), gallery, tracker }).pipe(toArray()));
    const sightings = events.flatMap((event) => (event.type === 'tracked' ? event.events : []));
    expect(sightings.map(({ type }) => type).filter((type) => type !== 'sighting-improved')).toEqual([
      'sighting-opened',
      'sighting-closed',
    ]);
    expect(sightings.at(-1)!.sighting).toMatchObject({ landmark: 'pylorus', startPtsUs: 0, endPtsUs: 19 * FRAME_US });
  });

  it('keeps what was seen when the source fails, then passes the failure on', async () => {
    const failure = new Error('pulled plug');
    const source = sourceOf(
      capture(20, async (frameId) => {
        await setImmediate();
        if (frameId === 15) throw failure;
      }),
      true,
    );
    const closed: string[] = [];
    const run = lastValueFrom(
      trackLandmarks({ source, embedder: fakeEmbedder(), gallery, tracker }).pipe(
        tap((event) => {
          if (event.type === 'tracked')
            closed.push(...event.events.filter(({ type }) => type === 'sighting-closed').map(({ sighting }) => sighting.landmark));
        }),
      ),
    );
    await expect(run).rejects.toBe(failure);
    expect(closed).toEqual(['pylorus']);
  });
});
