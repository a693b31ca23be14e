/**
 * How long a picture takes from ffmpeg's filter graph to our hands, and what finding and hiding costs.
 *
 * Latency: a generated source at 1280×1024, 30 fps, whose presentation time is the wall clock at which the frame was released
 * (`setpts=RTCTIME`), against the wall clock at the demuxer. `plain` is the muxer as it is, `prompt` with the two tick streams.
 * Cost: processor time of ffmpeg per frame, unpaced, with parts of the plan left out.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { FieldOfView } from '../../src/capture/frame.js';
import { fieldOfViewOf } from '../../src/capture/field-of-view.js';
import { geometryOf } from '../../src/capture/geometry.js';
import { FieldOfViewWatch } from '../../src/capture/field-of-view-watch.js';
import { captureArguments, type CapturePlan } from '../../src/capture/graph.js';
import { maskFor } from '../../src/capture/mask.js';
import type { Ffmpeg } from '../../src/media/ffmpeg.js';
import { MatroskaDemuxer } from '../../src/media/matroska.js';
import { allFfmpegs } from '../support/ffmpegs.js';
import { disc, scopePicture } from '../support/scopes.js';

const CIRCLE: FieldOfView = {
  ...{ x: 120, y: 0, width: 1040, height: 1024, sourceWidth: 1280, sourceHeight: 1024 },
  outline: Array.from({ length: 40 }, (_, k) => {
    const angle = (2 * Math.PI * k) / 40;
    return [640 + 520 * Math.cos(angle), 512 + 512 * Math.sin(angle)] as const;
  }),
};

const BARE: CapturePlan = {
  gray: null,
  preview: { fps: 30, width: 960, quality: 4 },
  analysis: { width: 224, height: 224, fps: null },
  cut: CIRCLE,
  recording: null,
  form: null,
  mask: null,
  wholePreview: false,
  deinterlace: 'none',
  keepsTimes: true,
  paced: false,
  prompt: false,
  sinceUs: null,
};

export default async function bench(args: readonly string[]): Promise<void> {
  const result: Record<string, unknown> = {};
  for (const [name, ffmpeg] of await allFfmpegs()) {
    const latency: Record<string, Quantiles[]> = { plain: [], prompt: [] };
    for (const mode of ['plain', 'prompt', 'plain', 'prompt']) latency[mode]?.push(await latencyOf(ffmpeg, mode === 'prompt'));
    const full = { ...BARE, mask: maskFor(CIRCLE, ffmpeg), gray: { width: 320, fps: null }, prompt: true };
    const plans: Record<string, CapturePlan> = {
      'preview + analysis': BARE,
      '… + mask': { ...BARE, mask: full.mask },
      '… + mask + gray': { ...BARE, mask: full.mask, gray: full.gray },
      '… + mask + gray + ticks': full,
    };
    const cost: Record<string, number[]> = {};
    for (let round = 0; round < 3; round += 1)
      for (const [label, plan] of Object.entries(plans)) (cost[label] ??= []).push(cpuMsPerFrame(ffmpeg, plan));
    result[name] = { version: ffmpeg.version, latency, cost };
    if (args.includes('--json')) continue;
    console.log(`ffmpeg ${ffmpeg.version} (${name})`);
    for (const [mode, runs] of Object.entries(latency)) {
      for (const { median, p95 } of runs)
        console.log(`  filter → demuxer, ${mode.padEnd(7)} preview median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
    }
    for (const [label, values] of Object.entries(cost))
      console.log(`  ${label.padEnd(26)} ${middle(values).toFixed(2)} ms of processor a frame`);
  }
  result['look'] = lookMs();
  if (args.includes('--json')) console.log(JSON.stringify(result));
  else
    for (const [what, ms] of Object.entries(result['look'] as Record<string, number>))
      console.log(`${what.padEnd(28)} ${ms.toFixed(3)} ms`);
}

interface Quantiles {
  readonly median: number;
  readonly p95: number;
}

async function latencyOf(ffmpeg: Ffmpeg, prompt: boolean): Promise<Quantiles> {
  const { output } = captureArguments({ ...BARE, cut: null, prompt }, ffmpeg);
  const stamped = "testsrc=size=1280x1024:rate=30:duration=5,format=yuv420p,realtime,settb=1/1000,setpts='RTCTIME/1000'";
  const words = ['-v', 'error', '-nostdin', '-copyts', '-f', 'lavfi', '-i', stamped, ...output];
  const child = spawn(ffmpeg.path, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const demuxer = new MatroskaDemuxer();
  const delays: number[] = [];
  for await (const chunk of child.stdout) {
    for (const { track, ptsUs } of demuxer.push(chunk as Buffer)) {
      if (track === 1) delays.push(performance.timeOrigin + performance.now() - ptsUs / 1000);
    }
  }
  // The first two seconds hold what ffmpeg read ahead to learn about its input.
  const sorted = delays.slice(60).sort((a, b) => a - b);
  return { median: middle(sorted), p95: sorted[Math.floor(sorted.length * 0.95)] ?? NaN };
}

function cpuMsPerFrame(ffmpeg: Ffmpeg, plan: CapturePlan): number {
  const frames = 240;
  const { output } = captureArguments(plan, ffmpeg);
  const input = ['-f', 'lavfi', '-i', `color=gray:size=1280x1024:rate=30:duration=${frames / 30},format=yuv420p`];
  const words = output.map((word) => (word === 'pipe:1' ? '/dev/null' : word));
  const { stderr } = spawnSync(ffmpeg.path, ['-nostdin', '-y', '-benchmark', ...input, ...words], { encoding: 'utf8' });
  const [, user, system] = /bench: utime=([\d.]+)s(?: stime=([\d.]+)s)?/.exec(stderr) ?? [];
  return ((Number(user) + Number(system ?? 0)) * 1000) / frames;
}

function lookMs(): Record<string, number> {
  const { width, height, pixels } = scopePicture({ inside: disc(170, 128, 110) });
  const fieldOfView = fieldOfViewOf({ width, height, pixels });
  if (fieldOfView === null) return {};
  const geometry = geometryOf(fieldOfView);
  const watch = new FieldOfViewWatch(fieldOfView, { everyPictures: 1 });
  let ptsUs = 0;
  const time = (run: () => unknown): number => {
    for (let warm = 0; warm < 20; warm += 1) run();
    const runs = Array.from({ length: 50 }, () => {
      const from = performance.now();
      run();
      return performance.now() - from;
    });
    return middle(runs);
  };
  return {
    'glance at a gray picture': time(() => geometry.glance(pixels)),
    'look at its whole': time(() => geometry.isLeftBy({ width, height, pixels })),
    'watch, picture by picture': time(() => watch.add({ ptsUs: (ptsUs += 33_000), width, height, data: pixels })),
  };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
