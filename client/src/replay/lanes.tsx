import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { ProcedureReplay, ReplayEvent, ReplaySighting, ReplayTrack } from '../../../src/server/procedure-protocol.js';
import type { CoverageMessage, HelloMessage } from '../../../src/server/protocol.js';
import { clock, landmarkName, percent, QUALITY_HINTS } from '../words.js';
import { SiteIcon } from '../ui/icons.js';
import { verdictRuns } from './track.js';

interface LanesProps {
  readonly replay: ProcedureReplay;
  readonly track: ReplayTrack;
  readonly hello: HelloMessage;
  readonly coverage: CoverageMessage | null;
  readonly ptsUs: number;
  /** Sightings of another analysis, shown under those of then. */
  readonly compared: readonly ReplaySighting[] | null;
  readonly onSeek: (ptsUs: number) => void;
}

interface LaneRow {
  readonly id: string;
  readonly name: string;
  readonly landmarks: ReadonlySet<string>;
  readonly site: string | null;
}

/** One lane per site, then landmarks of no site, what people marked, and the quality of the pictures. */
export function Lanes({ replay, track, hello, coverage, ptsUs, compared, onSeek }: LanesProps): JSX.Element {
  const tracks = useRef<HTMLDivElement>(null);
  const { startPtsUs, endPtsUs, sightings, events } = replay;
  const lengthUs = Math.max(1, endPtsUs - startPtsUs);
  const clockAt = (us: number): string => clock(us - startPtsUs);
  const at = (us: number): string => `${(Math.min(1, Math.max(0, (us - startPtsUs) / lengthUs)) * 100).toFixed(4)}%`;
  const width = (from: number, to: number): string =>
    `${(Math.max(0, (Math.min(to, endPtsUs) - Math.max(from, startPtsUs)) / lengthUs) * 100).toFixed(4)}%`;
  const rows = useMemo(() => rowsOf(replay, compared ?? [], hello), [replay, compared, hello]);
  const runs = useMemo(() => verdictRuns(track), [track]);
  const pauses = useMemo(() => interventions(events, endPtsUs), [events, endPtsUs]);
  const marks = events.filter(({ kind, ptsUs: time }) => time !== null && kind !== 'still' && kind !== 'resume');
  const stateOf = new Map(coverage?.sites.map(({ id, state }) => [id, state]));
  const seekTo = (event: PointerEvent): void => {
    const box = tracks.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0) return;
    onSeek(startPtsUs + ((event.clientX - box.left) / box.width) * lengthUs);
  };
  const bars = (shown: readonly ReplaySighting[], row: LaneRow, kind: string): JSX.Element[] =>
    shown
      .filter(({ landmark }) => row.landmarks.has(landmark))
      .map((one) => (
        <button
          key={one.startPtsUs}
          type="button"
          class={`bar ${kind}`}
          data-open={one.openedPtsUs <= ptsUs && ptsUs <= one.endPtsUs}
          style={{ left: at(one.startPtsUs), width: width(one.startPtsUs, one.endPtsUs) }}
          title={`${landmarkName(hello, one.landmark)}, ${clockAt(one.startPtsUs)} to ${clockAt(one.endPtsUs)}, ${percent(one.confidence)}`}
          tabIndex={-1}
          onPointerDown={keepPointer}
          onClick={() => {
            onSeek(one.openedPtsUs);
          }}
        />
      ));
  return (
    <section class="replay-lanes" aria-label="Timeline" data-compared={compared !== null}>
      <div class="lane-names" aria-hidden="true">
        {rows.map((row) => (
          <div key={row.id} class="lane-label" data-state={stateOf.get(row.site ?? '') ?? ''} title={row.name}>
            {row.site === null ? null : <SiteIcon state={stateOf.get(row.site) ?? 'unseen'} />}
            <span>{row.name}</span>
          </div>
        ))}
        <div class="lane-label lane-label-quiet">Marks</div>
        <div class="lane-label lane-label-quiet">Quality</div>
      </div>
      <div
        class="lane-tracks"
        ref={tracks}
        role="slider"
        aria-label="Time"
        tabIndex={0}
        aria-valuemin={Math.round(startPtsUs / 1e6)}
        aria-valuemax={Math.round(endPtsUs / 1e6)}
        aria-valuenow={Math.round(ptsUs / 1e6)}
        aria-valuetext={clockAt(ptsUs)}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          seekTo(event);
        }}
        onPointerMove={(event) => {
          if (event.buttons === 1) seekTo(event);
        }}
      >
        {pauses.map(({ from, to, text }) => (
          <div key={from} class="intervention" style={{ left: at(from), width: width(from, to) }} title={text} />
        ))}
        {rows.map((row) => (
          <div key={row.id} class="lane-row" data-site={row.site ?? undefined}>
            {bars(sightings, row, row.site === null ? 'bar-other' : 'bar-site')}
            {compared === null ? null : bars(compared, row, 'bar-compared')}
            {events
              .filter(
                ({ kind, landmark, ptsUs: time }) => kind === 'still' && time !== null && landmark !== null && row.landmarks.has(landmark),
              )
              .map((one, position) => (
                <span
                  key={position}
                  class="still-mark"
                  style={{ left: at(one.ptsUs ?? 0) }}
                  title={`${one.text}, ${clockAt(one.ptsUs ?? 0)}`}
                />
              ))}
          </div>
        ))}
        <div class="lane-row">
          {marks.map((one, position) => (
            <button
              key={position}
              type="button"
              tabIndex={-1}
              class="mark"
              data-kind={one.kind}
              style={{ left: at(one.ptsUs ?? 0) }}
              title={`${clockAt(one.ptsUs ?? 0)} ${one.text} (${one.by})`}
              onPointerDown={keepPointer}
              onClick={() => {
                onSeek(one.ptsUs ?? 0);
              }}
            />
          ))}
        </div>
        <div class="lane-row quality-row">
          {runs.map(({ verdict, startPtsUs: from, endPtsUs: to }) => (
            <span
              key={from}
              class="quality-run"
              data-quality={verdict}
              style={{ left: at(from), width: width(from, to) }}
              title={verdict === 'good' ? 'Good' : QUALITY_HINTS[verdict]}
            />
          ))}
        </div>
        <div class="playhead" style={{ left: at(ptsUs) }} />
      </div>
    </section>
  );
}

/** A click on a thing goes to the thing, not to the time under the pointer. */
function keepPointer(event: Event): void {
  event.stopPropagation();
}

function rowsOf({ checklist, sightings }: ProcedureReplay, compared: readonly ReplaySighting[], hello: HelloMessage): LaneRow[] {
  const onList = new Set(checklist.sites.flatMap(({ landmarks }) => landmarks));
  const others = [...new Set([...sightings, ...compared].map(({ landmark }) => landmark))].filter((landmark) => !onList.has(landmark));
  return [
    ...checklist.sites.map(({ id, name, landmarks }) => ({ id, name, landmarks: new Set(landmarks), site: id })),
    ...others.map((landmark) => ({ id: `+${landmark}`, name: landmarkName(hello, landmark), landmarks: new Set([landmark]), site: null })),
  ];
}

function interventions(events: readonly ReplayEvent[], endPtsUs: number): { from: number; to: number; text: string }[] {
  const found: { from: number; to: number; text: string }[] = [];
  for (const { kind, ptsUs, text } of events) {
    if (ptsUs === null) continue;
    const last = found.at(-1);
    if (kind === 'pause') found.push({ from: ptsUs, to: endPtsUs, text });
    if (kind === 'resume' && last !== undefined) last.to = ptsUs;
  }
  return found;
}
