import { UsageError } from '../../common/errors.js';
import { readFolder } from './folder.js';
import { gastrohun } from './gastrohun.js';
import { gastrovision } from './gastrovision.js';
import { hyperkvasir } from './hyperkvasir.js';
import { kvasir } from './kvasir.js';
import type { DatasetListing, KnownDataset, ReadDatasetOptions } from './listing.js';

export const KNOWN_DATASETS: readonly KnownDataset[] = [gastrohun, hyperkvasir, gastrovision, kvasir];

/**
 * Reads a directory: as the data set of that name, as the one whose layout it has, or as a folder per label.
 * @param name Of a known data set; null: recognised.
 * @throws UsageError for an unknown name or a directory without the layout of the data set that was named.
 */
export async function readDataset(directory: string, name: string | null, options: ReadDatasetOptions): Promise<DatasetListing> {
  if (name !== null) {
    const known = KNOWN_DATASETS.find(({ id }) => id === name);
    if (known === undefined) {
      throw new UsageError('dataset-name', `${name}: is no data set that is known here`, {
        remedy: `Known: ${KNOWN_DATASETS.map(({ id }) => id).join(', ')}; any other folder needs no name.`,
      });
    }
    return known.read(directory, options);
  }
  for (const known of KNOWN_DATASETS) if (await known.recognise(directory)) return known.read(directory, options);
  return readFolder(directory, options);
}
