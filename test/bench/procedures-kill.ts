/**
 * Kills a real `lumenmark live --record` at random moments, again and again, and looks at what is left: every procedure is closed as interrupted,
 * verifies, and plays to its end; no acknowledged mark is lost; how much video is lost.
 *
 *   npm run bench -- procedures-kill [ROUNDS] [SEED] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/common/random.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { killOnce, type Killed } from '../support/kill-procedure.js';
import { distribution, distributionHeader, distributionRow } from './support/distribution.js';

/** The longest life after the server has answered, ms. */
const LONGEST_MS = 4000;

export default async function bench(args: readonly string[]): Promise<void> {
  const [rounds = 100, seed = 1] = args.filter((arg) => arg !== '--json').map(Number);
  const random = seededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'lumenmark-bench-'));
  const { path: ffmpegPath, version } = await findFfmpeg();
  const results: Killed[] = [];
  const source = ['--source', join('models', 'demo', 'procedure.mp4'), '--loop', '--field-of-view', 'none'];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const afterMs = Math.round(random() * LONGEST_MS);
      const home = join(folder, String(round));
      results.push(await killOnce({ home, args: source, afterMs, ffmpegPath }));
      await rm(home, { recursive: true, force: true });
      if (process.stderr.isTTY) process.stderr.write(`\r${String(round + 1)} of ${String(rounds)}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const count = (is: (result: Killed) => boolean): number => results.filter(is).length;
  const report = {
    ...{ rounds, seed, ffmpeg: version },
    interrupted: count(({ outcome }) => outcome === 'interrupted'),
    empty: count(({ outcome }) => outcome !== 'interrupted'),
    verified: count(({ outcome, findings }) => outcome === 'interrupted' && findings === 0),
    withVideo: count(({ frames }) => frames !== null),
    playedToTheEnd: count(({ frames, played }) => frames !== null && frames === played),
    acknowledgedMarks: results.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    keptMarks: results.reduce((sum, { kept }) => sum + kept, 0),
    lostMs: distribution(results.flatMap(({ lostMs }) => (lostMs === null ? [] : [lostMs]))),
  };
  if (args.includes('--json')) {
    console.log(JSON.stringify(report));
    return;
  }
  console.log(`\n${String(rounds)} kills at random moments within ${String(LONGEST_MS / 1000)} s, seed ${String(seed)}, ffmpeg ${version}`);
  console.log(`closed as interrupted  ${report.interrupted}, before there was anything ${report.empty}`);
  console.log(`verified               ${report.verified} of ${report.interrupted}`);
  console.log(`played to the end      ${report.playedToTheEnd} of ${report.withVideo} with a video`);
  console.log(`marks kept             ${report.keptMarks} of ${report.acknowledgedMarks} acknowledged\n`);
  console.log(distributionHeader());
  console.log(distributionRow('video lost, ms', report.lostMs));
}
