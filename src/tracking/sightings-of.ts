import type { Detection } from './detection.js';
import type { TrackerOptions } from './options.js';
import type { Sighting } from './sighting.js';
import { createTracker } from './tracker.js';

/** The closed sightings of a whole recording, in order of their start. The same detections give the same sightings, live or not. */
export function sightingsOf(detections: Iterable<Detection>, options: TrackerOptions): Sighting[] {
  const tracker = createTracker(options);
  const sightings: Sighting[] = [];
  let state = tracker.initialState();
  for (const detection of detections) {
    const step = tracker.step(state, detection);
    state = step.state;
    for (const event of step.events) if (event.type === 'sighting-closed') sightings.push(event.sighting);
  }
  for (const event of tracker.finish(state).events) sightings.push(event.sighting);
  return sightings;
}
