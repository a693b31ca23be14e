import { pairSplit } from '../../evaluation/split.js';
import { rowGroups } from '../../evaluation/row-groups.js';
import { fixedSubject } from '../../evaluation/subject.js';
import { decodeStill, squashStill } from '../../media/stills.js';
import { openGallery, type Gallery } from '../../retrieval/gallery.js';
import { perceptualHash } from '../../retrieval/perceptual-hash.js';
import { listingOf, progressOf, readSet, thumbnails } from './case-pictures.js';
import type { CaseOptions, EvaluationCase } from './case.js';
import type { EvaluateFlags } from './flags.js';

/** A folder of queries against a built gallery, as it is. */
export async function builtGalleryCase(dir: string, query: string, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const gallery = await openGallery(dir);
  const { model } = gallery;
  const queries = await readSet(
    await listingOf(query, flags),
    model,
    { ...flags, fieldOfView: gallery.manifest.preprocessing.fieldOfView },
    options,
  );
  const labels = [...gallery.exemplars.map(({ label }) => label), ...queries.labels];
  const count = gallery.exemplars.length;
  const embeddings = new Float32Array(gallery.embeddings.length + queries.embeddings.length);
  embeddings.set(gallery.embeddings);
  embeddings.set(queries.embeddings, gallery.embeddings.length);
  const hashes = [...(await thumbnailHashes(gallery, options)), ...queries.hashes];
  const ids = [...gallery.exemplars.map(({ group }) => `gallery ${group}`), ...queries.groups];
  const shown = thumbnails([{ set: queries, from: count }]);
  return {
    title: `${query} against the gallery ${gallery.name} (${model.name})`,
    model,
    subjects: [fixedSubject(model.name, labels, embeddings)],
    labels,
    split: pairSplit(count, labels.length),
    ungrouped: null,
    grouping: await rowGroups(hashes, ids, { embeddings, ...progressOf(options) }),
    set: { ...queries, labels, exemplars: [...gallery.exemplars, ...queries.exemplars] },
    thumbnail: (row) => (row < count ? gallery.thumbnail(row) : shown(row)),
  };
}

/** Galleries keep no hashes; those of their thumbnails differ from them by less than look-alikes do. */
async function thumbnailHashes(gallery: Gallery, { signal, onProgress }: CaseOptions): Promise<Uint32Array[]> {
  const { width, height } = gallery.model.input;
  const hashes: Uint32Array[] = [];
  for (let row = 0; row < gallery.exemplars.length; row++) {
    signal.throwIfAborted();
    const jpeg = await gallery.thumbnail(row);
    const pixels = jpeg === null ? null : await squashStill(await decodeStill(jpeg), null, { width, height });
    // A hash that is like no other.
    hashes.push(
      pixels === null ? new Uint32Array(8).map((_, word) => (row * 2654435761 * (word + 1)) >>> 0) : perceptualHash(pixels, width, height),
    );
    onProgress('thumbnails', row + 1, gallery.exemplars.length);
  }
  return hashes;
}
