import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findFfmpeg, packagedPath } from '../../src/media/ffmpeg.js';
import { allFfmpegs, clipFolder } from '../support/ffmpegs.js';

const ffmpegs = await allFfmpegs();
const clips = clipFolder();
afterAll(() => {
  clips.remove();
});

describe('findFfmpeg', () => {
  it.each(ffmpegs)('knows what the %s ffmpeg can do', (_, { version, capabilities }) => {
    expect(version).toMatch(/\d/);
    expect(capabilities.demuxers.has('matroska') && capabilities.demuxers.has('webm') && capabilities.demuxers.has('lavfi')).toBe(true);
    expect(capabilities.protocols.has('tcp') && capabilities.protocols.has('data')).toBe(true);
    expect(capabilities.protocols.has('nonsense')).toBe(false);
    expect(capabilities.decoders.has('h264') && capabilities.encoders.has('mjpeg')).toBe(true);
    expect(capabilities.decoders.has('=')).toBe(false);
    expect(capabilities.filters.has('overlay') && capabilities.filters.has('realtime')).toBe(true);
  });

  it('prefers the option to the environment, that to the PATH, and that to the packaged one', async () => {
    const packaged = packagedPath();
    if (packaged === null) return;
    const environment = { FFMPEG_PATH: packaged, PATH: process.env['PATH'] };
    expect((await findFfmpeg({ path: packaged, environment: {} })).origin).toBe('option');
    expect((await findFfmpeg({ environment })).origin).toBe('environment');
    expect((await findFfmpeg({ environment: { PATH: '' } })).origin).toBe('packaged');
  });

  it('refuses a named binary that is missing, or is no ffmpeg, instead of taking another', async () => {
    await expect(findFfmpeg({ path: '/nonexistent/ffmpeg' })).rejects.toMatchObject({ code: 'ffmpeg-unusable', message: /no such file/ });
    const impostor = join(clips.folder, 'impostor');
    writeFileSync(impostor, '#!/bin/sh\necho hello\n');
    await expect(findFfmpeg({ environment: { FFMPEG_PATH: impostor } })).rejects.toMatchObject({ message: /not executable/ });
    chmodSync(impostor, 0o755);
    await expect(findFfmpeg({ environment: { FFMPEG_PATH: impostor } })).rejects.toMatchObject({ message: /not ffmpeg/ });
  });

  it('says what to install when there is none at all', async () => {
    await expect(findFfmpeg({ environment: { PATH: '' }, packaged: false })).rejects.toMatchObject({
      code: 'ffmpeg-missing',
      remedy: /--ffmpeg/,
    });
  });
});
