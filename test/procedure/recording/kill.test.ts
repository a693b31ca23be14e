import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findFfmpeg } from '../../../src/media/ffmpeg.js';
import { killOnce } from '../../support/kill-procedure.js';
import { temporaryFolder } from '../../support/temporary.js';

const demo = fileURLToPath(new URL('../../../models/demo/procedure.mp4', import.meta.url));
const home = temporaryFolder();

// Many more in `npm run bench -- procedures-kill`.
it.each([1500, 2700])(
  'a procedure whose process is killed after %i ms is closed at the next start, whole up to its last second',
  async (afterMs) => {
    const { path: ffmpegPath } = await findFfmpeg();
    const args = ['--source', demo, '--loop', '--field-of-view', 'none'];
    const killed = await killOnce({ home, args, afterMs, ffmpegPath });
    expect(killed).toMatchObject({ outcome: 'interrupted', findings: 0, kept: killed.acknowledged, played: killed.frames });
    expect(killed.acknowledged).toBeGreaterThan(0);
    expect(killed.frames).toBeGreaterThan(0);
    expect(killed.lostMs).toBeLessThan(1000);
  },
  60_000,
);
