import { listLabelledPictures } from '../../retrieval/labelled-pictures.js';
import type { DatasetListing } from './listing.js';

/** Any folder with a folder per label. @throws GalleryError when it cannot be listed. */
export async function readFolder(directory: string, { keepLabels }: { readonly keepLabels: boolean }): Promise<DatasetListing> {
  const { pictures, folders, unlabelled } = await listLabelledPictures(directory, { keepLabels });
  return {
    directory,
    title: directory,
    pictures: pictures.map(({ path, label }) => ({ path, label, group: null, part: null })),
    unknownLabels: [...new Set(folders.filter(({ known }) => !known).map(({ label }) => label))],
    unlabelled,
    missing: [],
    split: null,
    notes: [],
    licence: null,
  };
}
