import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { AssembledPicture, ProtocolPart } from './assemble.js';

/**
 * Lays pictures out as folders per part and label: links where the system allows them, copies elsewhere. What was in the folder is
 * replaced.
 */
export async function layOut(
  folder: string,
  pictures: readonly Pick<AssembledPicture, 'file' | 'label' | 'sha256'>[],
  parts: readonly ProtocolPart[],
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [at, { file, label, sha256 }] of pictures.entries()) {
    const target = join(folder, parts[at] ?? 'train', label);
    await mkdir(target, { recursive: true });
    const link = join(target, `${sha256.slice(0, 24)}${extname(file).toLowerCase()}`);
    await symlink(resolve(file), link).catch(() => copyFile(file, link));
  }
}
