import { listModels, type RegistryOptions } from './registry.js';
import type { Precision } from './graph/precision.js';

/** Installed models that are made of the same parts as `name` in another number format. */
export async function samePartsOtherPrecision(
  name: string,
  options: RegistryOptions,
): Promise<readonly { readonly name: string; readonly precision: Precision }[]> {
  const models = (await listModels(options)).flatMap((model) => ('manifest' in model ? [model.manifest] : []));
  const own = models.find((model) => model.name === name);
  if (own === undefined) return [];
  const key = (parts: typeof own.parts): string =>
    parts
      .map((part) => `${part.name} ${part.sha256}`)
      .sort()
      .join('\n');
  return models
    .filter((other) => other.name !== name && other.precision !== own.precision && key(other.parts) === key(own.parts))
    .map(({ name: twin, precision }) => ({ name: twin, precision }));
}
