import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));

/** A simulated procedure, and the gallery that was made for it. Both may be absent from a slim installation. */
export const DEMO_SOURCE = join(DEMO, 'procedure.mp4');
export const DEMO_GALLERY = join(DEMO, 'gallery');
