import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { dataSets, pullDataSet, unpackDataSet } from '../../src/retrieval/data-sets.js';
import { COLOURS, patches, temporaryFolder } from './support.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const [HYPERKVASIR] = dataSets();

/** An archive of the layout of HyperKvasir's labelled images, with some of what else such archives hold. */
async function archiveIn(folder: string, perClass = 8): Promise<string> {
  const zip = new ZipFile();
  const root = 'labeled-images';
  const colours = Object.entries(COLOURS);
  for (const [label, colour] of colours) {
    const tract = label === 'cecum' ? 'lower-gi-tract' : 'upper-gi-tract';
    for (let picture = 0; picture < perClass; picture++) {
      const seed = colours.findIndex(([name]) => name === label) * 100 + picture + 1;
      zip.addBuffer(await patches(colour, seed), `${root}/${tract}/anatomical-landmarks/${label}/${String(picture)}.jpg`);
    }
  }
  zip.addBuffer(await patches([200, 200, 60], 900), `${root}/lower-gi-tract/pathological-findings/polyps/0.jpg`);
  zip.addBuffer(Buffer.from('Video file,Finding\n'), `${root}/image-labels.csv`);
  zip.addBuffer(Buffer.from('not a picture'), `__MACOSX/${root}/upper-gi-tract/anatomical-landmarks/pylorus/._0.jpg`);
  zip.end();
  const archive = join(folder, 'archive.zip');
  await pipeline(zip.outputStream, createWriteStream(archive));
  return archive;
}

async function serve(content: Buffer): Promise<string> {
  const server = createServer((request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, { etag: '"v1"', 'content-length': content.length - start }).end(content.subarray(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hyper-kvasir-labeled-images.zip`;
}

function lumenmark(home: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env: { ...process.env, LUMENMARK_HOME: home } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('data sets', () => {
  it('goes from an address to a gallery of landmarks in one command, once the licence is accepted', { timeout: 120_000 }, async () => {
    const home = await temporaryFolder();
    const url = await serve(await readFile(await archiveIn(home)));
    const out = join(home, 'new', 'folder', 'gallery');
    const full = await lumenmark(home, 'gallery', 'pull', 'hyperkvasir', '--from', url, '--out', home, '--accept-licence');
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('is no gallery') as string });
    expect(await readdir(home)).toEqual(['archive.zip']);

    const refused = await lumenmark(home, 'gallery', 'pull', 'hyperkvasir', '--from', url, '--out', out);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toMatch(/CC BY 4\.0[\s\S]*--accept-licence/);

    const pulled = await lumenmark(home, 'gallery', 'pull', 'hyperkvasir', '--from', url, '--out', out, '--accept-licence', '--json');
    expect(pulled).toMatchObject({ code: 0 });
    expect(JSON.parse(pulled.stdout)).toMatchObject({
      pulled: { pinned: 'first time', fetched: true },
      damaged: [],
      report: { manifest: { exemplars: 24, labels: [{ id: 'cecum' }, { id: 'pylorus' }, { id: 'z-line' }] } },
    });
    // Nothing of the unpacked pictures stays.
    expect(await readdir(join(out, '..'))).toEqual(['gallery']);
  });

  it('goes on where a download stopped, and holds the hash against later ones', async () => {
    const home = await temporaryFolder();
    const content = await readFile(await archiveIn(home, 2));
    const from = await serve(content);
    await pullDataSet(HYPERKVASIR!, { home, from: 'http://127.0.0.1:9/' }).then(
      () => expect.unreachable(),
      (error: unknown) => {
        expect(error).toMatchObject({
          code: 'pull-failed',
          remedy: expect.stringContaining(join(home, 'downloads', HYPERKVASIR!.file)) as string,
        });
      },
    );
    await writeFile(join(home, 'downloads', `${HYPERKVASIR!.file}.partial`), content.subarray(0, 500));
    const pulled = await pullDataSet(HYPERKVASIR!, { home, from });
    expect((await readFile(pulled.archive)).equals(content)).toBe(true);
    await appendFile(pulled.archive, 'x');
    await expect(pullDataSet(HYPERKVASIR!, { home, from })).rejects.toMatchObject({ code: 'pull-hash' });
  });

  it('leaves out and lists what is damaged, unpacks other kinds on request, and refuses what is no archive', async () => {
    const folder = await temporaryFolder();
    const archive = await archiveIn(folder, 3);
    const bytes = await readFile(archive);
    // The first picture's compressed data begin after its header of 30 bytes and its name.
    const first = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
    bytes[first + 200]! ^= 0xff;
    await writeFile(archive, bytes);
    const { unpacked, damaged } = await unpackDataSet(archive, join(folder, 'landmarks'), { kinds: ['landmark'] });
    expect(unpacked).toBe(8);
    expect(damaged).toMatchObject([{ path: expect.stringContaining('pylorus/0.jpg') as string }]);
    expect((await unpackDataSet(archive, join(folder, 'findings'), { kinds: ['finding'] })).unpacked).toBe(1);
    await expect(unpackDataSet(archive, join(folder, 'none'), { kinds: ['quality'] })).rejects.toMatchObject({ code: 'archive-empty' });
    await writeFile(archive, 'no archive');
    await expect(unpackDataSet(archive, join(folder, 'no'), { kinds: ['landmark'] })).rejects.toMatchObject({ code: 'archive-damaged' });
  });

  it('notices an archive that changes while it is read', async () => {
    const folder = await temporaryFolder();
    const archive = await archiveIn(folder, 3);
    let changed: Promise<void> | null = null;
    const unpacking = unpackDataSet(archive, join(folder, 'out'), {
      kinds: ['landmark'],
      onProgress: () => {
        changed ??= appendFile(archive, 'more');
      },
    });
    await expect(unpacking).rejects.toMatchObject({ code: 'archive-changed' });
  });
});
