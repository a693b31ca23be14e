import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapInOrder } from '../../common/map-in-order.js';
import { decodeStill, thumbnailOf } from '../../media/stills.js';
import { dataUri } from '../../report/data-uri.js';
import { readProcedure } from '../reader.js';
import { gatherReport, type GatherReportOptions } from './gather-report.js';
import { photographsCsv, sitesCsv } from './report-csv.js';
import { reportPage } from './report-page.js';
import { photographGroups, PHOTOGRAPHS_SHOWN } from './report-photographs.js';
import type { ProcedureReport } from './report.js';
import { writeWhole } from './write-whole.js';

export interface WriteReportOptions extends GatherReportOptions {
  /** Where the files go; default the procedure's folder, where they count as derived. */
  readonly out?: string;
}

export interface WrittenReport {
  readonly report: ProcedureReport;
  /** `report.html`, `report.json`, `report.csv`, and of photographs `photographs.csv`. */
  readonly files: readonly string[];
}

const SITE_SIDE = 420;
const PHOTOGRAPH_SIDE = 280;
const EXEMPLAR_SIDE = 160;
const DECODED_AT_A_TIME = 2;

/** Makes the report of a procedure's folder as HTML, JSON and CSV. @throws ProcedureError */
export async function writeReport(folder: string, { out, ...options }: WriteReportOptions = {}): Promise<WrittenReport> {
  const report = await gatherReport(await readProcedure(folder), options);
  const page = reportPage(report, await loadPictures(folder, report));
  const target = out ?? folder;
  const files: [string, string][] = [
    ['report.html', page],
    ['report.json', `${JSON.stringify(report, null, 2)}\n`],
    ['report.csv', sitesCsv(report)],
  ];
  if (report.kind === 'photographs')
    files.push([out === undefined ? 'derived/photographs.csv' : 'photographs.csv', photographsCsv(report)]);
  const written: string[] = [];
  for (const [name, text] of files) {
    const file = join(target, name);
    await writeWhole(file, text);
    written.push(file);
  }
  return { report, files: written };
}

/** Small copies of the pictures that the page shows; one that is missing or damaged is left out. */
async function loadPictures(folder: string, report: ProcedureReport): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map<string, number>();
  for (const { photographs, evidence } of photographGroups(report.photographs)) {
    for (const { picture, nearest } of photographs.slice(0, PHOTOGRAPHS_SHOWN)) {
      wanted.set(picture, PHOTOGRAPH_SIDE);
      if (evidence) for (const { file } of nearest) wanted.set(file, EXEMPLAR_SIDE);
    }
  }
  for (const { still } of report.sites) if (still !== null) wanted.set(still.file, SITE_SIDE);
  const pictures = new Map<string, string>();
  const small = mapInOrder([...wanted], DECODED_AT_A_TIME, async ([file, maxSide]) => {
    try {
      const still = await decodeStill(new Uint8Array(await readFile(join(folder, file))), { name: file });
      return [file, dataUri(await thumbnailOf(still, null, { maxSide, quality: 78 }))] as const;
    } catch {
      return null;
    }
  });
  for await (const picture of small) if (picture !== null) pictures.set(...picture);
  return pictures;
}
