import { availableParallelism } from 'node:os';
import type { CalibrationPictures, RunModel } from '../models/calibration.js';
import { DEVICES, type Device } from './device.js';
import { createEmbedder } from './worker-embedder.js';

/** Runs a model on pictures for its import, one picture at a time, in a worker thread. */
export const runModel: RunModel = async (model, pictures: CalibrationPictures, device) => {
  const embedder = await createEmbedder(model, { device: deviceOf(device), threads: availableParallelism() });
  try {
    const { width, height } = model.input;
    const byteLength = width * height * 3;
    const embeddings = new Float32Array(pictures.count * model.dimension);
    for (let picture = 0; picture < pictures.count; picture++) {
      const pixels = pictures.pixels.slice(picture * byteLength, (picture + 1) * byteLength);
      embeddings.set((await embedder.embed({ count: 1, width, height, pixels })).embeddings, picture * model.dimension);
    }
    return { embeddings, device: embedder.device.name };
  } finally {
    await embedder.dispose();
  }
};

function deviceOf(name: string): Device {
  const device = DEVICES.find((known) => known === name);
  if (device === undefined) throw new TypeError(`No device ${name}`);
  return device;
}
