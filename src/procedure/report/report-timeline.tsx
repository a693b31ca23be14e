import { classInfo } from '../../common/landmarks.js';
import { Figure } from '../../report/figure.js';
import { clockText, percentText } from '../../report/format.js';
import { Lanes, type Lane, type LaneInterval } from '../../report/lanes.js';
import type { ProcedureReport, ReportEvent } from './report.js';

/** A lane for every landmark that was in view, for what was marked by hand and for interventions. */
export function Timeline({ report }: { report: ProcedureReport }) {
  const { sightings, events, timers, startPtsUs } = report;
  if (sightings.length === 0) return null;
  const secondsIn = (ptsUs: number): number => Math.max(0, (ptsUs - startPtsUs) / 1e6);
  const landmarks = [...new Set(sightings.map(({ landmark }) => landmark))];
  const endS = Math.max(
    (timers?.totalMs ?? 0) / 1000,
    ...sightings.map(({ endPtsUs }) => secondsIn(endPtsUs)),
    ...events.flatMap(({ ptsUs }) => (ptsUs === null ? [] : [secondsIn(ptsUs)])),
  );
  const lanes: Lane[] = landmarks.map((landmark) => ({
    name: classInfo(landmark).name,
    intervals: sightings
      .filter((sighting) => sighting.landmark === landmark)
      .map((sighting): LaneInterval => {
        const [start, end] = [secondsIn(sighting.startPtsUs), secondsIn(sighting.endPtsUs)];
        const label = `${clockText(start)} – ${clockText(end)}, confidence ${percentText(sighting.confidence, 0)}`;
        return { start, end, strength: sighting.confidence, label };
      }),
  }));
  const pauses = pausesOf(events, secondsIn, endS);
  if (pauses.length > 0) lanes.push({ name: 'Interventions', intervals: pauses, series: 4 });
  const marks = events.flatMap(({ type, ptsUs, text, by }) =>
    ptsUs !== null && AT_A_MOMENT.has(type) ? [{ at: secondsIn(ptsUs), label: `${text} (${by})` }] : [],
  );
  if (marks.length > 0) lanes.push({ name: 'By hand', marks, series: 1 });
  return (
    <>
      <h2>Timeline</h2>
      <Figure caption="When each landmark was held to be in view; the stronger the colour, the surer. Landmarks in the order in which they came.">
        <Lanes title="Landmarks in view over time" lanes={lanes} from={0} to={endS} axis="time, min:s" format={clockText} />
      </Figure>
    </>
  );
}

const AT_A_MOMENT = new Set(['capture', 'note', 'site-set', 'site-cleared']);

function pausesOf(events: readonly ReportEvent[], secondsIn: (ptsUs: number) => number, endS: number): LaneInterval[] {
  const pauses: LaneInterval[] = [];
  let begun: ReportEvent | null = null;
  for (const event of events) {
    if (event.type === 'pause') begun = event;
    if (event.type !== 'resume' || begun === null) continue;
    pauses.push({ start: secondsIn(begun.ptsUs ?? 0), end: secondsIn(event.ptsUs ?? 0), label: begun.text });
    begun = null;
  }
  if (begun !== null) pauses.push({ start: secondsIn(begun.ptsUs ?? 0), end: endS, label: begun.text });
  return pauses;
}
