import { Option } from 'commander';
import { embeddingCache, type EmbeddingCache } from '../retrieval/embedding-cache.js';

/** `--no-cache`; commander calls the flag `cache`. */
export function noCacheOption(): Option {
  return new Option('--no-cache', 'embed every picture anew, and keep nothing for the next run');
}

/** For spreading into options: the cache below the folder of all data, unless `--no-cache` was given. */
export function cacheOf(flags: { readonly cache: boolean }): { readonly cache?: EmbeddingCache } {
  return flags.cache ? { cache: embeddingCache() } : {};
}
