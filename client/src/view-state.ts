import type {
  CoverageMessage,
  ErrorMessage,
  EventMessage,
  HelloMessage,
  ProcedureMessage,
  QualityVerdict,
  ServerMessage,
  SourceStateName,
  StatsMessage,
  TrackingMessage,
} from '../../src/server/protocol.js';

/** State of the connection to the server. */
export type Link = 'connecting' | 'open' | 'lost';

/** An interval of the timeline; `endPtsUs` is null while it lasts. */
export interface Interval {
  readonly landmark: string;
  readonly startPtsUs: number;
  readonly endPtsUs: number | null;
  readonly confidence: number | null;
}

/** Something to be said once, and then to go. */
export interface Notice {
  readonly id: number;
  readonly kind: 'documented' | 'kept' | 'error';
  readonly text: string;
  readonly detail?: string;
  readonly still?: string;
}

export interface ViewState {
  readonly link: Link;
  readonly hello: HelloMessage | null;
  readonly source: { readonly state: SourceStateName; readonly detail: string | null; readonly reconnects: number } | null;
  readonly coverage: CoverageMessage | null;
  readonly tracking: TrackingMessage | null;
  readonly stats: StatsMessage | null;
  /** Null where procedures cannot be kept. */
  readonly procedure: ProcedureMessage | null;
  readonly intervals: readonly Interval[];
  readonly notices: readonly Notice[];
  /** Verdicts of the newest analysed frames, oldest first. */
  readonly verdicts: readonly QualityVerdict[];
  /** Newest presentation time heard of, µs. */
  readonly ptsUs: number;
  /** Presentation time at which the timeline begins, µs; null before the first. */
  readonly firstPtsUs: number | null;
}

/** Everything that belongs to one source, before it has told anything. */
const OF_A_SOURCE = {
  source: null,
  coverage: null,
  tracking: null,
  stats: null,
  procedure: null,
  intervals: [],
  verdicts: [],
  ptsUs: 0,
  firstPtsUs: null,
} satisfies Partial<ViewState>;

export const INITIAL: ViewState = { link: 'connecting', hello: null, notices: [], ...OF_A_SOURCE };

export type Action =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'message'; readonly message: Exclude<ServerMessage, { type: 'frame' | 'pong' }> }
  /** Replay: what was known at a moment, in place of what is known now. */
  | { readonly type: 'moment'; readonly moment: Partial<Omit<ViewState, 'notices' | 'link'>> }
  | { readonly type: 'dismiss'; readonly id: number }
  /** Something that somebody did is on the disk. */
  | { readonly type: 'kept'; readonly text: string; readonly detail: string };

const VERDICTS_KEPT = 6;
const INTERVALS_KEPT = 500;
const NOTICES_KEPT = 3;
/** A clip that begins again jumps back; a reordered message does not jump this far. */
const RESTART_JUMP_US = 2_000_000;

let noticeCount = 0;

function withNotice(state: ViewState, notice: Omit<Notice, 'id'>): ViewState {
  noticeCount += 1;
  return { ...state, notices: [...state.notices, { ...notice, id: noticeCount }].slice(-NOTICES_KEPT) };
}

function earliest(a: number | null, b: number): number {
  return a === null ? b : Math.min(a, b);
}

function onHello(state: ViewState, hello: HelloMessage): ViewState {
  const sameSource = state.hello?.source?.id === hello.source?.id;
  const sameChecklist = state.hello?.checklist?.id === hello.checklist?.id;
  const next = sameSource ? state : { ...state, ...OF_A_SOURCE };
  return { ...next, hello, coverage: sameChecklist ? next.coverage : null };
}

function onCoverage(state: ViewState, coverage: CoverageMessage): ViewState {
  const before = state.coverage;
  let next: ViewState = { ...state, coverage };
  // The first coverage tells what was documented before we came.
  if (before?.checklistId !== coverage.checklistId) return next;
  const names = new Map(state.hello?.checklist?.sites.map((site) => [site.id, site.name]));
  for (const site of coverage.sites) {
    const was = before.sites.find(({ id }) => id === site.id)?.state;
    if (site.state !== 'documented' || was === 'documented') continue;
    const notice = { kind: 'documented', text: names.get(site.id) ?? site.id } as const;
    next = withNotice(next, site.still === null ? notice : { ...notice, still: site.still });
  }
  return next;
}

function onTracking(state: ViewState, tracking: TrackingMessage): ViewState {
  const restarted = tracking.ptsUs < state.ptsUs - RESTART_JUMP_US;
  const verdicts = [...state.verdicts, tracking.quality].slice(-VERDICTS_KEPT);
  const { ptsUs } = tracking;
  const intervals = restarted ? [] : state.intervals;
  const firstPtsUs = restarted ? ptsUs : earliest(state.firstPtsUs, ptsUs);
  return { ...state, tracking, verdicts, ptsUs, intervals, firstPtsUs };
}

function withInterval(state: ViewState, intervals: Interval[]): ViewState {
  const firstPtsUs = intervals.reduce((first, one) => earliest(first, one.startPtsUs), state.firstPtsUs);
  return { ...state, intervals: intervals.slice(-INTERVALS_KEPT), firstPtsUs };
}

function onEvent(state: ViewState, event: EventMessage): ViewState {
  switch (event.event) {
    case 'source': {
      const source = { state: event.state, detail: event.detail ?? null, reconnects: event.reconnects };
      return event.state === 'connecting' && event.reconnects === 0 ? { ...state, ...OF_A_SOURCE, source } : { ...state, source };
    }
    case 'field-of-view':
      return state.hello === null ? state : { ...state, hello: { ...state.hello, fieldOfView: event.fieldOfView } };
    case 'sighting-opened': {
      const { landmark, startPtsUs } = event;
      if (state.intervals.some((one) => one.landmark === landmark && one.startPtsUs === startPtsUs)) return state;
      const opened = { landmark, startPtsUs, endPtsUs: null, confidence: null };
      return withInterval(state, [...state.intervals, opened]);
    }
    case 'sighting-closed': {
      const { landmark, startPtsUs, endPtsUs, confidence } = event;
      const others = state.intervals.filter((one) => one.landmark !== landmark || (one.endPtsUs !== null && one.startPtsUs !== startPtsUs));
      return withInterval(state, [...others, { landmark, startPtsUs, endPtsUs, confidence }]);
    }
  }
}

function onError(state: ViewState, error: ErrorMessage): ViewState {
  const notice = { kind: 'error', text: error.message } as const;
  return withNotice(state, error.remedy === undefined ? notice : { ...notice, detail: error.remedy });
}

/** What the page shows after `action`. Frames do not pass through here: the stage draws them at their own rate. */
export function reduce(state: ViewState, action: Action): ViewState {
  // Who comes back is told everything anew, and the server may be another one.
  if (action.type === 'link') return { ...state, ...(action.link === 'open' ? OF_A_SOURCE : {}), link: action.link };
  if (action.type === 'moment') return { ...state, ...action.moment };
  if (action.type === 'dismiss') return { ...state, notices: state.notices.filter(({ id }) => id !== action.id) };
  if (action.type === 'kept') return withNotice(state, { kind: 'kept', text: action.text, detail: action.detail });
  const { message } = action;
  switch (message.type) {
    case 'hello':
      return onHello(state, message);
    case 'coverage':
      return onCoverage(state, message);
    case 'tracking':
      return onTracking(state, message);
    case 'event':
      return onEvent(state, message);
    case 'stats':
      return { ...state, stats: message };
    case 'procedure':
      return { ...state, procedure: message };
    case 'error':
      return onError(state, message);
  }
}
