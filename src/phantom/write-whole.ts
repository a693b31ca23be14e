import { rm, writeFile } from 'node:fs/promises';

/** Writes a file or leaves none: half of one, from a disk that got full, is worse. @throws the error of the file system. */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  await writeFile(file, content).catch(async (error: unknown) => {
    await rm(file, { force: true }).catch(() => undefined);
    throw error;
  });
}
