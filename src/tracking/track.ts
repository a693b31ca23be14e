import { Observable } from 'rxjs';
import type { Detection } from './detection.js';
import type { SightingEvent } from './sighting.js';
import { createTracker, type Current, type Posterior, type Tracker } from './tracker.js';
import type { TrackerOptions } from './options.js';

/** What the tracker says after one detection; the last update of a source, after its last detection, has none. */
export interface TrackingUpdate<D extends Detection = Detection> {
  readonly detection: D | null;
  readonly current: Current;
  readonly posterior: Posterior | null;
  readonly events: readonly SightingEvent[];
}

/**
 * Detections of one source → one update each. An open sighting is closed in a last update when the source completes, and also
 * when it fails, before the error is passed on: what was seen until then stays seen.
 *
 * Given a function, asks it for the tracker at each detection. When it names another one (another tract is examined now), what is open
 * closes and the new tracker starts afresh; sightings keep counting.
 */
export function track<D extends Detection = Detection>(
  options: TrackerOptions | Tracker | (() => Tracker),
): (detections: Observable<D>) => Observable<TrackingUpdate<D>> {
  const fixed = typeof options === 'function' ? null : 'step' in options ? options : createTracker(options);
  const trackerNow = (): Tracker => fixed ?? (options as () => Tracker)();
  return (detections) =>
    new Observable((subscriber) => {
      let tracker = trackerNow();
      let state = tracker.initialState();
      const close = (): void => {
        const { events } = tracker.finish(state);
        if (events.length > 0) subscriber.next({ detection: null, current: { landmark: null, score: 1 }, posterior: null, events });
      };
      return detections.subscribe({
        next: (detection) => {
          const wanted = trackerNow();
          if (wanted !== tracker) {
            close();
            tracker = wanted;
            state = { ...wanted.initialState(), nextId: state.nextId };
          }
          const { state: next, ...said } = tracker.step(state, detection);
          state = next;
          subscriber.next({ detection, ...said });
        },
        error: (error: unknown) => {
          close();
          subscriber.error(error);
        },
        complete: () => {
          close();
          subscriber.complete();
        },
      });
    });
}
