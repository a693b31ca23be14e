// Draws the contact sheets of docs/phantom.md from seeds: every landmark of both tracts in three patients, and every disturbance once.
//   npm run docs:sheets [-- --out DIR]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'docs/images') } } });

const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--quiet'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const { DISTURBANCES } = await import('../dist/phantom/disturbance.js');
const { createProcedure } = await import('../dist/phantom/frames.js');
const { STILL_CLASSES } = await import('../dist/phantom/stills.js');

const PATIENTS = [31, 36, 52];
const TILE = { width: 164, height: 132, gap: 2, title: 16 };
const BACKGROUND = '#111';

mkdirSync(values.out, { recursive: true });
await landmarks('upper');
await landmarks('lower');
await disturbances();

/** A row of patients for each landmark, in two columns. */
async function landmarks(tract) {
  const rows = new Map(STILL_CLASSES[tract].map((landmark) => [landmark, []]));
  for (const seed of PATIENTS) {
    const procedure = createProcedure({ tract, seed, durationS: 120, fps: 5, ...size(), disturbances: [] });
    for (const [landmark, tiles] of rows) {
      const frame = middleOf(procedure.truth.filter((frame) => frame.landmark === landmark));
      tiles.push(await tile(procedure, frame, `${landmark}, patient ${seed}`));
    }
  }
  const half = Math.ceil(rows.size / 2);
  const columns = [...rows.values()];
  const grid = Array.from({ length: half }, (_, row) => [...columns[row], ...(columns[row + half] ?? [])]);
  await write(grid, `phantom-${tract}`);
}

/** Each disturbance in the first of some patients that shows it well inside an episode. */
async function disturbances() {
  const tiles = [];
  for (const [index, kind] of DISTURBANCES.entries()) {
    const tract = index % 2 === 0 ? 'upper' : 'lower';
    const frames = (seed) => {
      const procedure = createProcedure({ tract, seed, durationS: 120, fps: 5, ...size(), disturbances: [kind] });
      return {
        procedure,
        shown: procedure.truth.filter(({ flags, landmark }) => flags.includes(kind) && (landmark !== null || kind === 'out-of-body')),
      };
    };
    const { procedure, shown } = [41, 42, 43, 44, 45, 46, 47, 48].map(frames).find(({ shown }) => shown.length > 0);
    tiles.push(await tile(procedure, middleOf(shown), kind));
  }
  await write([tiles.slice(0, 6), tiles.slice(6)], 'phantom-disturbances');
}

function size() {
  return { width: 2 * TILE.width, height: 2 * TILE.height };
}

function middleOf(frames) {
  return frames[Math.floor(frames.length / 2)].frame;
}

async function tile(procedure, frame, title) {
  const [{ pixels }] = await collect(procedure.render({ frames: [frame] }));
  return {
    title,
    picture: await sharp(Buffer.from(pixels), { raw: { ...size(), channels: 3 } })
      .resize(TILE.width, TILE.height)
      .png()
      .toBuffer(),
  };
}

async function write(grid, name) {
  const across = TILE.width + 2 * TILE.gap;
  const down = TILE.height + TILE.title + TILE.gap;
  const width = across * Math.max(...grid.map((row) => row.length));
  const height = down * grid.length;
  const placed = grid.flatMap((row, y) => row.map((tile, x) => ({ ...tile, left: x * across + TILE.gap, top: y * down })));
  const titles = placed.map(({ title, left, top }) => `<text x="${left}" y="${top + 12}">${title}</text>`).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="10" fill="#ddd">${titles}</svg>`;
  const layers = placed.map(({ picture, left, top }) => ({ input: picture, left, top: top + TILE.title }));
  const sheet = sharp({ create: { width, height, channels: 3, background: BACKGROUND } }).composite([
    ...layers,
    { input: Buffer.from(svg), left: 0, top: 0 },
  ]);
  const { size: bytes } = await sheet.webp({ quality: 80 }).toFile(join(values.out, `${name}.webp`));
  console.log(`${name}.webp: ${width}×${height}, ${Math.round(bytes / 1024)} KiB`);
}

async function collect(stream) {
  const all = [];
  for await (const item of stream) all.push(item);
  return all;
}
