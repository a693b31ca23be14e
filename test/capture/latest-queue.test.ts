import { describe, expect, it } from 'vitest';
import type { CaptureEvent } from '../../src/capture/frame.js';
import { LatestQueue } from '../../src/capture/latest-queue.js';

const preview = (frameId: number): CaptureEvent => ({
  type: 'preview',
  sourceId: 's',
  frameId,
  ptsUs: 0,
  capturedAtMs: 0,
  jpeg: new Uint8Array(0),
});
const state = (detail: string): CaptureEvent => ({ type: 'state', state: 'running', detail, reconnects: 0 });

async function all(queue: LatestQueue): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  for await (const event of queue) events.push(event);
  return events;
}

describe('LatestQueue', () => {
  it('drops the oldest frames of a type, in order, and never a state', async () => {
    const dropped: CaptureEvent[] = [];
    const queue = new LatestQueue({ capacity: 2, onDrop: (event) => dropped.push(event) });
    for (const event of [state('a'), preview(0), state('b'), preview(1), preview(2), state('c'), preview(3)]) queue.put(event);
    queue.close();
    expect(await all(queue)).toEqual([state('a'), state('b'), preview(2), state('c'), preview(3)]);
    expect(dropped).toEqual([preview(0), preview(1)]);
  });

  it('wakes a waiting consumer and hands over a failure after what waited', async () => {
    const queue = new LatestQueue({ capacity: 2, onDrop: () => undefined });
    const reading = all(queue);
    await Promise.resolve();
    queue.put(preview(0));
    queue.close({ error: new Error('lost') });
    queue.put(preview(1));
    await expect(reading).rejects.toThrow('lost');
  });
});
