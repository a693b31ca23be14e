import { join } from 'node:path';
import { Option } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { withFitCache } from '../../models/fit-cache.js';
import type { FittableModel, Model } from '../../models/model.js';
import { embeddingCache, type EmbeddingCache } from '../../retrieval/embedding-cache.js';

/** `--no-cache`; commander calls the flag `cache`. */
export function noCacheOption(): Option {
  return new Option('--no-cache', 'embed every picture anew, and keep nothing for the next run');
}

/** For spreading into options: the cache below the folder of all data, unless `--no-cache` was given. */
export function cacheOf(flags: { readonly cache: boolean }): { readonly cache?: EmbeddingCache } {
  return flags.cache ? { cache: embeddingCache() } : {};
}

/** The model, with what it fitted before at hand unless `--no-cache` was given. */
export function withCachedFits(model: Model | FittableModel, flags: { readonly cache: boolean }): Model | FittableModel {
  return flags.cache && 'fitted' in model ? withFitCache(model, join(lumenmarkHome(), 'cache', 'statistics')) : model;
}
