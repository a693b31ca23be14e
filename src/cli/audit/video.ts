import { classInfo } from '../../common/landmarks.js';
import { duration, progressBar } from '../../common/progress.js';
import { version } from '../../common/version.js';
import { auditVideo, type AuditVideoOptions, type VideoAudit } from '../../procedure/audit-video.js';
import type { Checklist } from '../../tracking/checklist.js';
import type { AuditFlags } from './flags.js';
import { tableLines } from '../terminal/table.js';

type Tools = Pick<AuditVideoOptions, 'home' | 'key' | 'gallery' | 'embedder' | 'checklist' | 'ffmpeg' | 'simulated' | 'signal'>;

/** Audits one video and prints what was found. */
export async function auditVideoCommand(video: string, tools: Tools, flags: AuditFlags): Promise<void> {
  const bar = progressBar();
  let audited: VideoAudit;
  try {
    audited = await auditVideo({
      ...tools,
      video,
      analysisFps: flags.analysisFps,
      fieldOfView: flags.fieldOfView,
      recording: flags.recording,
      ...(flags.label === undefined ? {} : { label: flags.label }),
      onProgress: ({ ptsUs, durationUs }) => {
        if (durationUs !== null) bar.update({ label: 'analysing', done: Math.round(ptsUs / 1e6), total: Math.round(durationUs / 1e6) });
      },
    });
  } finally {
    bar.end();
  }
  if (flags.json) console.log(JSON.stringify(jsonOf(video, audited)));
  else console.log(textOf(video, audited, tools.checklist).join('\n'));
}

function jsonOf(video: string, { coverage, sightings, ...audited }: VideoAudit): object {
  return { software: `lumenmark ${version}`, path: video, ...audited, coverage, sightings };
}

const STATE_WORDS = { unsupported: 'not in this gallery', unseen: 'NOT SEEN', seen: 'seen, no adequate still', documented: 'documented' };

function textOf(video: string, audited: VideoAudit, checklist: Checklist): string[] {
  const { coverage, lastPtsUs, wallMs, inferenceMs, analysedFrames } = audited;
  const rows = coverage.sites.map(({ id, state, sightings, dwellMs, still, optional }) => {
    const name = checklist.sites.find((site) => site.id === id)?.name ?? id;
    const where = still === null ? '' : `${duration(still.ptsUs / 1000)}, ${classInfo(still.landmark).name}`;
    return [`${name}${optional ? ' (optional)' : ''}`, STATE_WORDS[state], sightings, `${(dwellMs / 1000).toFixed(1)} s`, where];
  });
  const speed = `${(lastPtsUs / 1000 / wallMs).toFixed(1)} times real time, inference ${((100 * inferenceMs) / wallMs).toFixed(0)} % of it`;
  return [
    `${video}: ${coverage.documented} of ${coverage.required} required sites documented, ${coverage.seen} seen (${checklist.name})`,
    ...tableLines(['site', 'state', 'sightings', 'in view', 'best still'], rows).map((line) => `  ${line}`),
    ...audited.warnings.map((warning) => `  warning: ${warning}`),
    `  ${analysedFrames} frames of ${duration(lastPtsUs / 1000)} analysed in ${duration(wallMs)}, ${speed}`,
    `  procedure ${audited.id} in ${audited.folder}`,
    `  head hash ${audited.headHash}`,
    '',
  ];
}
