import type { JSX } from 'preact';
import { useSelected, type Store } from '../store.js';
import { lanesOf, span, ticks } from '../timeline.js';
import type { Interval } from '../view-state.js';
import { clock, landmarkName, percent } from '../words.js';

/** The strip moves on in steps, so that it is not laid out anew for every frame. */
const STEP_US = 250_000;

/** One lane per landmark: what was in view, and when. */
export function Timeline({ store }: { store: Store }): JSX.Element {
  const intervals = useSelected(store, (state) => state.intervals);
  const hello = useSelected(store, (state) => state.hello);
  const step = useSelected(store, (state) => Math.ceil(state.ptsUs / STEP_US));
  const firstPtsUs = useSelected(store, (state) => state.firstPtsUs ?? 0);
  const onList = new Set(hello?.checklist?.sites.flatMap((site) => site.landmarks));
  const nowUs = step * STEP_US;
  const { fromUs, toUs } = span(nowUs, firstPtsUs);
  const at = (us: number): number => Math.min(100, Math.max(0, ((us - fromUs) / (toUs - fromUs)) * 100));
  const describe = (one: Interval): string => {
    const until = one.endPtsUs === null ? 'now' : clock(one.endPtsUs);
    const sure = one.confidence === null ? '' : `, ${percent(one.confidence)}`;
    return `${landmarkName(hello, one.landmark)}, ${clock(one.startPtsUs)} to ${until}${sure}`;
  };
  const lanes = lanesOf(intervals, fromUs, nowUs);
  return (
    <section class="timeline" aria-label="Sightings">
      <div class="lanes">
        {lanes.length === 0 ? <p class="lanes-none">No sighting yet</p> : null}
        {lanes.map(({ landmark, intervals: shown }) => (
          <div class="lane" key={landmark} data-on-list={onList.has(landmark)} data-open={shown.some(({ endPtsUs }) => endPtsUs === null)}>
            <span class="lane-name">{landmarkName(hello, landmark)}</span>
            <div class="lane-track" role="list">
              {shown.map((one) => {
                const left = at(one.startPtsUs);
                const width = Math.max(0.4, at(one.endPtsUs ?? nowUs) - left);
                return (
                  <div
                    key={one.startPtsUs}
                    role="listitem"
                    class="sighting"
                    data-landmark={landmark}
                    data-open={one.endPtsUs === null}
                    style={{ left: `${left.toFixed(3)}%`, width: `${width.toFixed(3)}%` }}
                    title={describe(one)}
                    aria-label={describe(one)}
                  />
                );
              })}
            </div>
          </div>
        ))}
      </div>
      <div class="ticks" aria-hidden="true">
        <div class="ticks-track">
          {ticks(fromUs, toUs).map((us) => (
            <span key={us} style={{ left: `${at(us).toFixed(3)}%` }}>
              {clock(us)}
            </span>
          ))}
          <div class="now" style={{ left: `${at(nowUs).toFixed(3)}%` }} />
        </div>
      </div>
    </section>
  );
}
