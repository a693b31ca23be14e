import type { LandmarkInterval } from '../../src/evaluation/tracking.js';
import type { Detection } from '../../src/tracking/detection.js';
import type { TrackerOptions } from '../../src/tracking/options.js';
import type { Sighting } from '../../src/tracking/sighting.js';
import { createTracker } from '../../src/tracking/tracker.js';

const COLOURS = [
  '#4fc3f7',
  '#ffb74d',
  '#81c784',
  '#ba68c8',
  '#e57373',
  '#4db6ac',
  '#fff176',
  '#f06292',
  '#9575cd',
  '#aed581',
  '#90a4ae',
  '#ff8a65',
];
const VERDICT_COLOURS: Readonly<Record<string, string>> = {
  good: '#1b5e20',
  blurred: '#78909c',
  dark: '#000000',
  'red-out': '#d32f2f',
  glare: '#ffffff',
  'out-of-body': '#6d4c41',
};

/**
 * What the tracker made of a recording, as a picture to look at: from top to bottom the truth (if any), the sightings, the frames' own
 * answers (faint when unknown), their quality verdicts, and the probability of every landmark over time.
 */
export function timelineSvg(detections: readonly Detection[], options: TrackerOptions, truth: readonly LandmarkInterval[] = []): string {
  const tracker = createTracker(options);
  const sightings: Sighting[] = [];
  const posteriors: Record<string, number>[] = [];
  let state = tracker.initialState();
  for (const detection of detections) {
    const step = tracker.step(state, detection);
    state = step.state;
    posteriors.push(step.posterior.landmarks);
    for (const event of step.events) if (event.type === 'sighting-closed') sightings.push(event.sighting);
  }
  for (const event of tracker.finish(state).events) sightings.push(event.sighting);

  const width = 1500;
  const left = 170;
  const startUs = detections[0]?.ptsUs ?? 0;
  const spanUs = Math.max(1, (detections.at(-1)?.ptsUs ?? 0) - startUs);
  const x = (ptsUs: number): number => left + ((ptsUs - startUs) / spanUs) * (width - left - 10);
  const colours = new Map(tracker.landmarks.map((landmark, index) => [landmark, COLOURS[index % COLOURS.length] ?? '#888']));
  const colour = (label: string): string => colours.get(label) ?? '#888';
  const rowHeight = 44;
  const parts: string[] = [];
  const text = (at: number, y: number, words: string, size = 11): void => {
    parts.push(`<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="#ddd" font-family="sans-serif">${words}</text>`);
  };
  const bar = (interval: LandmarkInterval, y: number, words: string): void => {
    const from = x(interval.startPtsUs);
    const barWidth = Math.max(2, x(interval.endPtsUs) - from);
    parts.push(
      `<rect x="${from.toFixed(1)}" y="${y}" width="${barWidth.toFixed(1)}" height="16" fill="${colour(interval.landmark)}" opacity="0.8"/>`,
    );
    text(from + 2, y + 12, words, 9);
  };

  text(4, 22, 'truth');
  for (const visit of truth) bar(visit, 10, visit.landmark);
  text(4, 46, 'sightings');
  for (const sighting of sightings) bar(sighting, 34, `${sighting.landmark} ${sighting.confidence.toFixed(2)}`);
  text(4, 70, 'frames, quality');
  const frameWidth = Math.max(1, (width - left) / detections.length);
  for (const { ptsUs, match, quality } of detections) {
    const best = match.scores[0];
    const at = x(ptsUs).toFixed(1);
    if (best !== undefined) {
      const opacity = match.known ? 1 : 0.25;
      parts.push(`<rect x="${at}" y="58" width="${frameWidth.toFixed(2)}" height="12" fill="${colour(best.label)}" opacity="${opacity}"/>`);
    }
    parts.push(`<rect x="${at}" y="72" width="${frameWidth.toFixed(2)}" height="6" fill="${VERDICT_COLOURS[quality.verdict] ?? '#888'}"/>`);
  }
  tracker.landmarks.forEach((landmark, row) => {
    const base = 90 + (row + 1) * rowHeight;
    text(4, base - 16, landmark);
    const points = posteriors.map(
      (p, index) => `${x(detections[index]?.ptsUs ?? 0).toFixed(1)},${(base - (p[landmark] ?? 0) * (rowHeight - 6)).toFixed(1)}`,
    );
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${colour(landmark)}" stroke-width="1.5"/>`);
    parts.push(`<line x1="${left}" y1="${base}" x2="${width}" y2="${base}" stroke="#444"/>`);
  });
  const height = 90 + tracker.landmarks.length * rowHeight + 30;
  for (let second = 0; second <= spanUs / 1e6; second += Math.max(1, Math.round(spanUs / 20e6))) {
    text(x(startUs + second * 1e6), height - 8, `${second} s`, 10);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#181818"/>${parts.join('')}</svg>`;
}
