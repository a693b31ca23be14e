import { drawText, textWidth } from './font.js';
import { pick, randomStream, wholeBetween } from './random.js';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The processor's whole picture: where the field of view lies in it, and what is written beside it. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly fieldOfView: Rectangle;
  readonly lines: readonly { readonly text: string; readonly x: number; readonly y: number }[];
  /** Where the running clock stands; null without one. */
  readonly clock: { readonly x: number; readonly y: number } | null;
}

const SURNAMES = ['SAMPLE', 'EXAMPLE', 'PHANTOM', 'SPECIMEN', 'FICTION', 'NOBODY', 'MODEL', 'DUMMY'] as const;
const GIVEN = ['ADA', 'BO', 'CLEO', 'DAN', 'EVE', 'FAY', 'GIL', 'HAL', 'IDA', 'JON'] as const;

/** A picture that is all field of view. */
export function bareScreen(width: number, height: number): Screen {
  return { width, height, fieldOfView: { x: 0, y: 0, width, height }, lines: [], clock: null };
}

/** A picture as a video processor lays it out: invented patient data at the left, the field of view at the right. */
export function processorScreen(width: number, height: number, seed: number): Screen {
  const random = randomStream(seed, 'screen');
  const surname = pick(random, SURNAMES);
  const given = pick(random, GIVEN);
  const number = `${wholeBetween(random, 100, 999)}-${wholeBetween(random, 1000, 9999)}`;
  const year = wholeBetween(random, 1935, 2004);
  const lines = [surname, given, number, pick(random, ['F', 'M']) + ` ${year}`, 'SIMULATED'];
  const column = Math.max(...lines.map(textWidth)) + 10;
  const margin = Math.max(4, Math.round(height * 0.035));
  const even = (value: number): number => Math.floor(value / 2) * 2;
  const fieldOfView = { x: even(column), y: even(margin), width: even(width - column - margin), height: even(height - 2 * margin) };
  return {
    width,
    height,
    fieldOfView,
    lines: lines.map((text, index) => ({ text, x: 4, y: margin + 4 + index * 11 })),
    clock: { x: 4, y: height - margin - 9 },
  };
}

/** Lays a field of view into the processor's picture; both RGB. */
export function compose(screen: Screen, view: Uint8ClampedArray, timeS: number, out: Uint8ClampedArray): void {
  const { fieldOfView, width } = screen;
  out.fill(0);
  for (let row = 0; row < fieldOfView.height; row++) {
    const from = row * fieldOfView.width * 3;
    out.set(view.subarray(from, from + fieldOfView.width * 3), ((fieldOfView.y + row) * width + fieldOfView.x) * 3);
  }
  for (const { text, x, y } of screen.lines) drawText(out, width, text, x, y);
  if (screen.clock !== null) drawText(out, width, clockText(timeS), screen.clock.x, screen.clock.y);
}

function clockText(timeS: number): string {
  const seconds = Math.floor(timeS);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}
