import { readdir } from 'node:fs/promises';
import type { Ffmpeg } from '../media/ffmpeg.js';

/** A capture device of this machine. */
export interface CaptureDevice {
  readonly source: string;
  readonly name: string;
  readonly formats: string[];
}

/** What can be opened as a source on this machine with this ffmpeg. */
export async function listDevices(ffmpeg: Ffmpeg): Promise<CaptureDevice[]> {
  if (!ffmpeg.capabilities.demuxers.has('v4l2')) return [];
  const names = await readdir('/dev').catch((): string[] => []);
  return names.filter((name) => /^video\d+$/.test(name)).map((name) => ({ source: `v4l2:/dev/${name}`, name, formats: [] }));
}
