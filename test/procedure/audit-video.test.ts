import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectRecording } from '../../src/evaluation/detect-recording.js';
import type { Embedder } from '../../src/inference/embedder.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { auditVideo, type AuditVideoOptions } from '../../src/procedure/audit-video.js';
import { coverageOf } from '../../src/procedure/final-coverage.js';
import { installationKey } from '../../src/procedure/key.js';
import { proceduresFolder } from '../../src/procedure/paths.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { reanalyse } from '../../src/procedure/reanalyse.js';
import { videoParts } from '../../src/procedure/recording-parts.js';
import { openGallery, type Gallery } from '../../src/retrieval/gallery.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { trackerOptionsFor } from '../../src/tracking/gallery-options.js';
import { sightingsOf } from '../../src/tracking/sightings-of.js';
import { temporaryFolder } from '../support/temporary.js';
import { makeGallery, makeVideo } from '../support/tiny-procedure.js';

const folder = temporaryFolder();
const home = join(folder, 'home');
const checklist = loadChecklist('esge-2016');
const ANALYSIS_FPS = 5;
let gallery: Gallery;
let embedder: Embedder;
let video: string;
let common: Omit<AuditVideoOptions, 'video'>;

beforeAll(async () => {
  const dir = await makeGallery(folder);
  video = await makeVideo(folder);
  const model = descriptors();
  gallery = await openGallery(dir, { model });
  embedder = await createEmbedder(gallery.model, { device: 'cpu' });
  common = {
    home,
    key: await installationKey(home),
    gallery,
    embedder,
    checklist,
    ffmpeg: await findFfmpeg(),
    analysisFps: ANALYSIS_FPS,
    recording: false,
  };
});

afterAll(async () => {
  await embedder.dispose();
});

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const folders = (): string[] => (existsSync(proceduresFolder(home)) ? readdirSync(proceduresFolder(home)) : []);

describe('audit of a video', () => {
  it('analyses every due frame and keeps a procedure that says what the tracker says', async () => {
    const audited = await auditVideo({ ...common, video, label: 'Room 2', simulated: true });
    expect(audited.warnings).toEqual([]);
    expect(audited.analysedFrames).toBe(8 * ANALYSIS_FPS);

    const detections = await listOf(detectRecording(video, { gallery, embedder, analysisFps: ANALYSIS_FPS }));
    const expected = sightingsOf(detections, trackerOptionsFor(gallery, checklist)).map((one) => ({ ...one, sourceId: 'video.mp4' }));
    expect(expected.map(({ landmark }) => landmark)).toEqual(['pylorus', 'z-line']);
    expect(audited.sightings).toEqual(expected);

    const procedure = await readProcedure(audited.folder);
    expect(procedure).toMatchObject({ state: 'closed', problem: null, headHash: audited.headHash });
    expect(procedure.description).toMatchObject({
      kind: 'imported',
      label: 'Room 2',
      source: { label: 'video.mp4', live: false, simulated: true },
      analysis: { fps: ANALYSIS_FPS, policy: 'every' },
    });
    const kept = await listOf(procedure.detections());
    expect(kept.map(({ ptsUs }) => ptsUs)).toEqual(detections.map(({ ptsUs }) => ptsUs));
    expect(kept.map(({ scores }) => scores)).toEqual(detections.map(({ match }) => match.scores));
    expect(procedure.entriesOf('sighting-closed').map(({ sighting }) => sighting)).toEqual(expected);
    expect(coverageOf(procedure)).toEqual(audited.coverage);
    const states = procedure
      .entriesOf('coverage')
      .at(-1)!
      .sites.map(({ id, state }) => [id, state]);
    expect(states).toEqual(audited.coverage.sites.map(({ id, state }) => [id, state]));
    expect(audited.coverage.documented).toBeGreaterThan(0);
  });

  it('analyses the masked recording that it keeps, so that the recording gives the same answers again', async () => {
    const audited = await auditVideo({ ...common, video, recording: true });
    expect(audited.warnings).toEqual([]);
    expect(audited.analysedFrames).toBe(8 * ANALYSIS_FPS);
    expect(audited.sightings.map(({ landmark }) => landmark)).toEqual(['pylorus', 'z-line']);
    const procedure = await readProcedure(audited.folder);
    const parts = await videoParts(procedure);
    expect(parts).toMatchObject([{ file: 'recording.mp4', codec: 'h264', originPtsUs: 0 }]);
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([{ reason: 'closed', frames: 160 }]);
    const results = [];
    for (let run = 0; run < 3; run++) results.push(await reanalyse({ procedure, gallery, embedder, ffmpeg: common.ffmpeg }));
    for (const result of results) {
      expect(result).toMatchObject({
        ...{ sameModel: true, trackerIdentical: true, identicalSightings: true, agreement: 1, missingFrames: 0 },
        ...{ identicalFrames: 8 * ANALYSIS_FPS, comparedFrames: 8 * ANALYSIS_FPS },
      });
      expect(result.sightings).toEqual(audited.sightings);
      expect(result.lanes.every(({ overlap, largestShiftMs }) => overlap === 1 && largestShiftMs === 0)).toBe(true);
    }
    expect(procedure.entriesOf('timers')).toMatchObject([{ totalMs: 7800, inspectionMs: 7800, withdrawalMs: null }]);
    const { width, height } = await sharp(join(audited.folder, 'stills', readdirSync(join(audited.folder, 'stills'))[0]!)).metadata();
    const { fieldOfView } = procedure.entriesOf('field-of-view')[0]!;
    expect([width, height]).toEqual([fieldOfView.width + (fieldOfView.width % 2), fieldOfView.height + (fieldOfView.height % 2)]);
  });

  it('goes on in another file where the field of view changes, and analyses both', async () => {
    // A picture within a black border from the fifth second on.
    const widened = join(folder, 'widened.mp4');
    const { path } = await findFfmpeg();
    const filter =
      '[0:v]pad=288:240:48:40[whole];[0:v]scale=288:240[large];[whole]trim=0:4[a];[large]trim=4:8,setpts=PTS-STARTPTS[b];[a][b]concat';
    execFileSync(path, ['-v', 'error', '-i', video, '-filter_complex', filter, '-c:v', 'mpeg4', '-q:v', '2', widened]);
    const audited = await auditVideo({ ...common, video: widened, recording: true });
    const procedure = await readProcedure(audited.folder);
    expect((await videoParts(procedure)).map(({ file }) => file)).toEqual(['recording.mp4', 'recording-2.mp4']);
    const stopped = procedure.entriesOf('recording-stopped').map(({ frames }) => frames ?? 0);
    expect(stopped[0]! + stopped[1]!).toBe(160);
    // A geometry comes before the file that is cut to it, and a file before what was seen in it, however fast it was written.
    const told = [
      ...procedure.entriesOf('field-of-view'),
      ...procedure.entriesOf('recording-started'),
      ...procedure.entriesOf('recording-stopped'),
    ];
    const order = told.sort((a, b) => a.seq - b.seq).map(({ type }) => type);
    const each = ['field-of-view', 'recording-started', 'recording-stopped'];
    expect(order.filter((type, index) => type !== order[index - 1])).toEqual([...each, ...each]);
    expect(await reanalyse({ procedure, gallery, embedder, ffmpeg: common.ffmpeg })).toMatchObject({
      ...{ trackerIdentical: true, identicalSightings: true, missingFrames: 0 },
      ...{ identicalFrames: audited.analysedFrames, comparedFrames: audited.analysedFrames },
    });
  });

  it('can be analysed again from the video itself where no recording was kept, and from no other', async () => {
    const { folder: kept } = await auditVideo({ ...common, video });
    const procedure = await readProcedure(kept);
    const tools = { procedure, gallery, embedder, ffmpeg: common.ffmpeg };
    await expect(reanalyse(tools)).rejects.toMatchObject({ code: 'no-recording' });
    const other = join(folder, 'other.mp4');
    copyFileSync(video, other);
    appendFileSync(other, 'x');
    await expect(reanalyse({ ...tools, video: other })).rejects.toMatchObject({ code: 'another-video' });
    expect(await reanalyse({ ...tools, video })).toMatchObject({ trackerIdentical: true, identicalSightings: true });
  });

  it('keeps stills in full size, with what lies outside the field of view black', async () => {
    const { folder: kept } = await auditVideo({ ...common, video, analysisFps: 3, fieldOfView: '160x152+16+4' });
    const stills = readdirSync(join(kept, 'stills'));
    expect(stills).toHaveLength(2);
    const meta = await sharp(join(kept, 'stills', stills[0]!)).metadata();
    expect([meta.width, meta.height]).toEqual([160, 152]);
  });

  it('tells of a video that grows while it is read, and of one that lacks its end', async () => {
    const growing = join(folder, 'growing.mp4');
    copyFileSync(video, growing);
    const grown = await auditVideo({
      ...common,
      video: growing,
      onProgress: ({ frames }) => {
        if (frames === 3) appendFileSync(growing, 'more');
      },
    });
    expect(grown.warnings).toEqual([expect.stringMatching(/growing\.mp4 was changed while it was read/)]);
    const notes = (await readProcedure(grown.folder)).entriesOf('note');
    expect(notes.map(({ text }) => text)).toEqual(grown.warnings);

    // An index in front promises what the rest of the file no longer holds.
    const cut = join(folder, 'cut.mkv');
    const { path } = await findFfmpeg();
    execFileSync(path, ['-v', 'error', '-i', video, '-c', 'copy', cut]);
    truncateSync(cut, Math.floor(statSync(cut).size * 0.6));
    const { warnings } = await auditVideo({ ...common, video: cut });
    expect(warnings.join('\n')).toMatch(/cut\.mkv says it lasts 8\.0 s, but its last frame is at/);
  });

  it('tells of recordings that were joined and begin anew in time', async () => {
    const joined = join(folder, 'joined.ts');
    const { path } = await findFfmpeg();
    const once = execFileSync(path, [
      '-v',
      'error',
      '-i',
      video,
      '-t',
      '2',
      '-c:v',
      'mpeg2video',
      '-q:v',
      '2',
      '-r',
      '25',
      '-f',
      'mpegts',
      '-',
    ]);
    writeFileSync(joined, Buffer.concat([once, once]));
    const { warnings } = await auditVideo({ ...common, recording: true, video: joined });
    expect(warnings.join('\n')).toMatch(/The clock of joined\.ts goes back or stands still from [12]\.\d s on: \d+ frames/);
  });

  it('leaves nothing behind when it fails or is aborted', async () => {
    const before = folders();
    const broken = join(folder, 'broken.mp4');
    copyFileSync(video, broken);
    truncateSync(broken, 2000);
    await expect(auditVideo({ ...common, video: broken })).rejects.toThrow(/broken\.mp4/);
    await expect(auditVideo({ ...common, video: join(folder, 'pictures') })).rejects.toMatchObject({ code: 'no-video-file' });
    for (const recording of [false, true]) {
      const controller = new AbortController();
      const onProgress = (): void => {
        controller.abort(new Error('enough'));
      };
      await expect(auditVideo({ ...common, video, recording, signal: controller.signal, onProgress })).rejects.toThrow('enough');
    }
    // While the recording goes on beside it.
    const failing = (error: Error): Embedder => ({
      ...{ ...embedder, model: embedder.model, device: embedder.device },
      embed: () => Promise.reject(error),
    });
    for (const [error, said] of [
      [new Error('no device'), /^no device$/],
      [new Error('write failed', { cause: Object.assign(new Error('no space'), { code: 'ENOSPC' }) }), /^The disk of .+ is full/],
    ] as const) {
      await expect(auditVideo({ ...common, video, embedder: failing(error), recording: true })).rejects.toThrow(said);
    }
    expect(folders()).toEqual(before);
    expect(readFileSync(join(home, 'installation-key.pem'), 'utf8')).toContain('PRIVATE KEY');
  });
});
