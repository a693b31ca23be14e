import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { lumenmarkHome } from '../common/home.js';
import { MediaError, UsageError } from '../common/errors.js';
import { DEVICES, type Device } from '../inference/device.js';
import type { Embedder } from '../inference/embedder.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import { squashStill } from '../media/stills.js';
import { openModel } from '../models/registry.js';
import { embedStills } from '../retrieval/embed-stills.js';
import { checkFieldOfViewMode } from '../retrieval/still-pixels.js';
import { cacheOf, noCacheOption } from './flags/cache.js';
import { checkedFlags } from './flags/checked.js';

const optionsSchema = z.object({
  model: z.string(),
  pixels: z.string().optional(),
  width: z.coerce.number().int().positive().optional(),
  height: z.coerce.number().int().positive().optional(),
  output: z.enum(['embedding', 'features']),
  format: z.enum(['jsonl', 'float32']),
  out: z.string().optional(),
  fieldOfView: z.string(),
  device: z.enum(DEVICES as unknown as [Device, ...Device[]]),
  threads: z.coerce.number().int().positive().optional(),
  cache: z.boolean(),
});
type EmbedOptions = z.infer<typeof optionsSchema>;

/** What a model made of one picture, with the name it is printed under. */
interface Embedded {
  readonly source: string;
  readonly embedding: Float32Array;
  readonly features: Readonly<Record<string, Float32Array>>;
}

export function register(program: Command): void {
  program
    .command('embed')
    .description('embeddings of pictures, or of raw pixels, for comparison with other software')
    .argument('[images...]', 'pictures: jpg, png, tif, webp, bmp')
    .requiredOption('--model <name>', 'model to embed with')
    .option('--pixels <file>', 'raw pixels uint8 [count, height, width, 3] RGB instead of pictures')
    .option('--width <px>', 'width of the raw pixels; default: the size of the model')
    .option('--height <px>', 'height of the raw pixels')
    .addOption(
      new Option('--output <what>', 'the embedding, or the features of the single backbones')
        .choices(['embedding', 'features'])
        .default('embedding'),
    )
    .addOption(
      new Option('--format <format>', 'JSON lines, or little-endian float32 row by row').choices(['jsonl', 'float32']).default('jsonl'),
    )
    .option('--out <file>', 'write there instead of to standard output')
    .option('--field-of-view <mode>', 'auto, none (the whole picture) or WxH+X+Y', 'none')
    .addOption(new Option('--device <device>', 'where to run').choices(DEVICES).default('cpu'))
    .option('--threads <n>', 'threads of one operator on the CPU')
    .addOption(noCacheOption())
    .action(async (images: string[], raw: unknown) => {
      await embed(images, checkedFlags(optionsSchema, raw));
    });
}

async function embed(images: readonly string[], options: EmbedOptions): Promise<void> {
  if ((images.length === 0) === (options.pixels === undefined)) {
    throw new UsageError('embed-input', 'Give pictures, or raw pixels with --pixels, and not both.');
  }
  checkFieldOfViewMode(options.fieldOfView);
  const opened = await openModel(options.model, { home: lumenmarkHome() });
  if ('base' in opened && options.output === 'embedding') {
    throw new UsageError('embed-model', `${opened.name} has embeddings only together with a gallery, on which its statistics are fitted.`, {
      remedy: 'Use --output features, or another model.',
    });
  }
  const model = 'base' in opened ? opened.base : opened;
  const embedder = await createEmbedder(model, {
    device: options.device,
    features: options.output === 'features',
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const embedded = options.pixels === undefined ? embedImages(embedder, images, options) : embedPixels(embedder, options.pixels, options);
  const out = options.out === undefined ? process.stdout : createWriteStream(options.out);
  const write = async (chunk: string | Uint8Array): Promise<void> => {
    if (!out.write(chunk)) await once(out, 'drain');
  };
  try {
    for await (const picture of embedded) {
      const vectors = vectorsOf(picture, options.output, model.backbones);
      if (options.format === 'float32')
        for (const [, values] of vectors) await write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      else await write(`${JSON.stringify({ source: picture.source, ...shown(vectors, options.output) })}\n`);
    }
  } finally {
    await embedder.dispose();
    if (options.out !== undefined)
      await new Promise<void>((resolve) => {
        out.end(() => {
          resolve();
        });
      });
  }
}

type Vectors = readonly (readonly [name: string, values: Float32Array])[];

function vectorsOf({ embedding, features }: Embedded, output: EmbedOptions['output'], backbones: readonly string[]): Vectors {
  if (output === 'embedding') return [['embedding', embedding]];
  return backbones.map((name) => [name, features[name] ?? new Float32Array()] as const);
}

function shown(vectors: Vectors, output: EmbedOptions['output']): object {
  const plain = Object.fromEntries(vectors.map(([name, values]) => [name, [...values]]));
  return output === 'embedding' ? plain : { features: plain };
}

async function* embedImages(embedder: Embedder, images: readonly string[], options: EmbedOptions): AsyncGenerator<Embedded> {
  const stills = embedStills(embedder, images, {
    directory: '',
    fieldOfView: options.fieldOfView,
    features: options.output === 'features' ? embedder.model.backbones : [],
    ...cacheOf(options),
  });
  for await (const still of stills) {
    // Rows that are left out would make every later row another picture's.
    if ('reason' in still) {
      throw new MediaError('still-unreadable', `${still.path}: ${still.reason}`, { remedy: 'Leave it out, or copy it again.' });
    }
    yield { source: still.path, embedding: still.embedding, features: still.features };
  }
}

async function* embedPixels(embedder: Embedder, path: string, options: EmbedOptions): AsyncGenerator<Embedded> {
  const size = embedder.model.input;
  const { width = size.width, height = size.height } = options;
  const byteLength = width * height * 3;
  const file = await open(path).catch((error: unknown) => {
    throw new UsageError('pixels', `${path} cannot be opened.`, { cause: error, remedy: 'Check the path.' });
  });
  try {
    const { size: fileLength } = await file.stat();
    if (fileLength === 0 || fileLength % byteLength !== 0) {
      throw new UsageError(
        'pixels',
        `${path} has ${fileLength} bytes, which is no multiple of a picture of ${width}×${height}×3 = ${byteLength}.`,
        {
          remedy: 'Give the size of the raw pixels with --width and --height.',
        },
      );
    }
    for (let index = 0; index < fileLength / byteLength; index++) {
      const pixels = new Uint8Array(byteLength);
      await file.read(pixels, 0, byteLength, index * byteLength);
      const fits = width === size.width && height === size.height;
      const squashed = fits ? pixels : await squashStill({ width, height, pixels }, null, size);
      const { embeddings, features = {} } = await embedder.embed({ count: 1, ...size, pixels: squashed });
      yield { source: `${path}#${index}`, embedding: embeddings, features };
    }
  } finally {
    await file.close();
  }
}
