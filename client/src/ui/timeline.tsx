import type { JSX } from 'preact';
import { useSelected, type Store } from '../store.js';
import type { Interval } from '../view-state.js';
import { clock, landmarkName, percent } from '../words.js';

const SHORTEST_SPAN_US = 60_000_000;
const LONGEST_SPAN_US = 600_000_000;
/** The strip moves on in steps, so that it is not laid out anew for every frame. */
const STEP_US = 500_000;

/** The part of the procedure that is shown: from its begin, or the last ten minutes. */
export function span(ptsUs: number, firstPtsUs: number): { fromUs: number; toUs: number } {
  const nowUs = Math.ceil(ptsUs / STEP_US) * STEP_US;
  const lengthUs = Math.min(LONGEST_SPAN_US, Math.max(SHORTEST_SPAN_US, nowUs - firstPtsUs));
  const fromUs = Math.max(firstPtsUs, nowUs - lengthUs);
  return { fromUs, toUs: fromUs + lengthUs };
}

function ticks(fromUs: number, toUs: number): number[] {
  const stepUs = [10, 15, 30, 60, 120].map((s) => s * 1_000_000).find((us) => (toUs - fromUs) / us <= 8) ?? 120_000_000;
  const first = Math.ceil(fromUs / stepUs) * stepUs;
  return Array.from({ length: Math.floor((toUs - first) / stepUs) + 1 }, (_, position) => first + position * stepUs);
}

export function Timeline({ store }: { store: Store }): JSX.Element {
  const intervals = useSelected(store, (state) => state.intervals);
  const hello = useSelected(store, (state) => state.hello);
  const step = useSelected(store, (state) => Math.ceil(state.ptsUs / STEP_US));
  const firstPtsUs = useSelected(store, (state) => state.firstPtsUs ?? 0);
  const onList = new Set(hello?.checklist?.sites.flatMap((site) => site.landmarks));
  const { fromUs, toUs } = span(step * STEP_US, firstPtsUs);
  const at = (us: number): number => Math.min(100, Math.max(0, ((us - fromUs) / (toUs - fromUs)) * 100));
  const nowUs = step * STEP_US;
  const shown = intervals.filter((one) => (one.endPtsUs ?? nowUs) > fromUs);
  const describe = (one: Interval): string => {
    const until = one.endPtsUs === null ? 'now' : clock(one.endPtsUs);
    const sure = one.confidence === null ? '' : `, ${percent(one.confidence)}`;
    return `${landmarkName(hello, one.landmark)}, ${clock(one.startPtsUs)} to ${until}${sure}`;
  };
  return (
    <section class="timeline" aria-label="Sightings">
      <div class="lane" role="list">
        {shown.map((one) => {
          const left = at(one.startPtsUs);
          const width = Math.max(0.35, at(one.endPtsUs ?? nowUs) - left);
          return (
            <div
              key={`${one.landmark}@${one.startPtsUs}`}
              role="listitem"
              class="sighting"
              data-landmark={one.landmark}
              data-open={one.endPtsUs === null}
              data-on-list={onList.has(one.landmark)}
              style={{ left: `${left.toFixed(3)}%`, width: `${width.toFixed(3)}%` }}
              title={describe(one)}
              aria-label={describe(one)}
            >
              <span>{landmarkName(hello, one.landmark)}</span>
            </div>
          );
        })}
        <div class="now" style={{ left: `${at(nowUs).toFixed(3)}%` }} />
      </div>
      <div class="ticks" aria-hidden="true">
        {ticks(fromUs, toUs).map((us) => (
          <span key={us} style={{ left: `${at(us).toFixed(3)}%` }}>
            {clock(us)}
          </span>
        ))}
      </div>
    </section>
  );
}
