import type { VitSpec } from '../../src/models/backbones/spec.js';
import { IMAGENET_MEAN, IMAGENET_STD } from '../../src/models/graph/preprocessing.js';
import type { NamedArray } from './random-checkpoints.js';

/**
 * The class token of a transformer, written as plainly as the papers do and computed in double precision: what the emitted graphs are held against.
 * The stored grid of positions must be that of the input.
 */
export function naiveClassToken(spec: VitSpec, weights: readonly NamedArray[], pixels: Uint8Array, size: number): number[] {
  const arrays = new Map(weights.map(({ name, values }) => [name, values]));
  const get = (name: string): Float32Array => arrays.get(name)!;
  const { dimension: d, patch, heads } = spec;
  const side = size / patch;
  const width = d / heads;
  const linear = (x: number[], name: string): number[] => {
    const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    return Array.from(bias, (start, row) => x.reduce((sum, value, index) => sum + value * weight[row * x.length + index]!, start));
  };
  const norm = (x: number[], name: string): number[] => {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    return x.map(
      (value, index) => ((value - mean) / Math.sqrt(variance + 1e-6)) * get(`${name}.weight`)[index]! + get(`${name}.bias`)[index]!,
    );
  };
  const plus = (a: number[], b: ArrayLike<number>, factor?: ArrayLike<number>): number[] =>
    a.map((value, index) => value + b[index]! * (factor?.[index] ?? 1));

  const positions = get('pos_embed');
  const kernel = get('patch_embed.proj.weight');
  const tokens: number[][] = [plus([...get('cls_token')], positions)];
  for (let register = 0; register < spec.registers; register++)
    tokens.push([...get('register_tokens').subarray(register * d, (register + 1) * d)]);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const token = [...get('patch_embed.proj.bias')];
      for (let output = 0; output < d; output++) {
        for (let channel = 0; channel < 3; channel++) {
          for (let y = 0; y < patch; y++) {
            for (let x = 0; x < patch; x++) {
              const pixel = pixels[((row * patch + y) * size + column * patch + x) * 3 + channel]! / 255;
              token[output]! +=
                kernel[((output * 3 + channel) * patch + y) * patch + x]! * ((pixel - IMAGENET_MEAN[channel]!) / IMAGENET_STD[channel]!);
            }
          }
        }
      }
      tokens.push(plus(token, positions.subarray((1 + row * side + column) * d)));
    }
  }
  let x = tokens;
  for (let block = 0; block < spec.depth; block++) {
    const at = `blocks.${String(block)}`;
    const qkv = x.map((token) => linear(norm(token, `${at}.norm1`), `${at}.attn.qkv`));
    const attended = qkv.map((query) => {
      const result: number[] = [];
      for (let head = 0; head < heads; head++) {
        const part = (vector: number[], role: number): number[] => vector.slice(role * d + head * width, role * d + (head + 1) * width);
        const scores = qkv.map(
          (key) => part(query, 0).reduce((sum, value, index) => sum + value * part(key, 1)[index]!, 0) / Math.sqrt(width),
        );
        const most = Math.max(...scores);
        const weightsOf = scores.map((score) => Math.exp(score - most));
        const total = weightsOf.reduce((sum, value) => sum + value, 0);
        for (let index = 0; index < width; index++)
          result.push(qkv.reduce((sum, value, other) => sum + (weightsOf[other]! / total) * part(value, 2)[index]!, 0));
      }
      return result;
    });
    x = x.map((token, index) => plus(token, linear(attended[index]!, `${at}.attn.proj`), arrays.get(`${at}.ls1.gamma`)));
    x = x.map((token) => plus(token, mlp(norm(token, `${at}.norm2`), at), arrays.get(`${at}.ls2.gamma`)));
  }
  return norm(x[0]!, 'norm');

  function mlp(token: number[], at: string): number[] {
    if (spec.mlp === 'gelu') return linear(linear(token, `${at}.mlp.fc1`).map(gelu), `${at}.mlp.fc2`);
    const both = linear(token, `${at}.mlp.w12`);
    const half = both.length / 2;
    return linear(
      both.slice(0, half).map((value, index) => (value / (1 + Math.exp(-value))) * both[half + index]!),
      `${at}.mlp.w3`,
    );
  }
}

function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** Maclaurin series; exact to double precision for the moderate arguments of a test. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let index = 1; index < 120; index++) {
    term *= (-x * x) / index;
    sum += term / (2 * index + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
