import type { CoverageMessage, EventMessage, ProcedureMessage, TrackingMessage } from './protocol.js';
import type { SessionStats } from './session.js';

/** What the hub remembers of a source, for whoever comes later. */
export interface SourceMemory {
  state: EventMessage | null;
  coverage: CoverageMessage | null;
  tracking: TrackingMessage | null;
  procedure: ProcedureMessage | null;
  stats: SessionStats | null;
  /** Sightings so far, oldest first, at most `SIGHTINGS_REMEMBERED`; the last one of a landmark may still be open. */
  sightings: EventMessage[];
}

export const SIGHTINGS_REMEMBERED = 500;

export function emptyMemory(): SourceMemory {
  return { state: null, coverage: null, tracking: null, procedure: null, stats: null, sightings: [] };
}

/** Takes a message into the memory of its source. */
export function remember(memory: SourceMemory, message: EventMessage | TrackingMessage | CoverageMessage | ProcedureMessage): void {
  if (message.type === 'tracking') memory.tracking = message;
  else if (message.type === 'coverage') memory.coverage = message;
  else if (message.type === 'procedure') memory.procedure = message;
  else if (message.event === 'source') {
    // A source that connects for the first time begins anew, even under an id that was used before.
    if (message.state === 'connecting' && message.reconnects === 0)
      Object.assign(memory, { ...emptyMemory(), procedure: memory.procedure });
    memory.state = message;
  } else if (message.event === 'sighting-opened') memory.sightings.push(message);
  else if (message.event === 'sighting-closed') {
    const open = memory.sightings.findLastIndex((one) => one.event === 'sighting-opened' && one.landmark === message.landmark);
    if (open >= 0) memory.sightings.splice(open, 1);
    memory.sightings.push(message);
    if (memory.sightings.length > SIGHTINGS_REMEMBERED) memory.sightings.shift();
  }
}
