import type {
  ProcedureListAnswer,
  ProcedureReanalysis,
  ProcedureReplay,
  ProcedureStatisticsAnswer,
  ProcedureVerification,
  ReplayDetections,
  ReplayTrack,
} from '../../../src/server/procedure-protocol.js';
import { call } from '../api.js';

/** What the list is restricted to; empty texts do not restrict. */
export interface Filters {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  readonly checklistId: string;
  readonly kind: string;
  readonly state: string;
  /** `true`: all documented, `false`: some are not. */
  readonly documented: string;
  readonly missedSiteId: string;
  readonly held: string;
}

export const NO_FILTERS: Filters = {
  ...{ text: '', from: '', to: '', checklistId: '', kind: '', state: '', documented: '', missedSiteId: '', held: '' },
};

export type Order = 'newest' | 'oldest' | 'least-complete' | 'longest';

function queryOf(fields: Readonly<Record<string, string | number>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== '') query.set(name, String(value));
  return query.toString();
}

export async function listProcedures(filters: Filters, order: Order, limit: number): Promise<ProcedureListAnswer> {
  return (await call('GET', `./api/procedures?${queryOf({ ...filters, order, limit })}`)) as ProcedureListAnswer;
}

export async function readStatistics(filters: Filters): Promise<ProcedureStatisticsAnswer> {
  return (await call('GET', `./api/procedures/statistics?${queryOf({ ...filters })}`)) as ProcedureStatisticsAnswer;
}

const path = (id: string, rest = ''): string => `./api/procedures/${encodeURIComponent(id)}${rest}`;

export async function readReplay(id: string): Promise<ProcedureReplay> {
  return (await call('GET', path(id))) as ProcedureReplay;
}

export async function readTrack(id: string): Promise<ReplayTrack> {
  return (await call('GET', path(id, '/track'))) as ReplayTrack;
}

export async function readDetections(id: string, fromPtsUs: number, toPtsUs: number): Promise<ReplayDetections> {
  return (await call('GET', path(id, `/detections?from=${fromPtsUs}&to=${toPtsUs}`))) as ReplayDetections;
}

export async function verify(id: string): Promise<ProcedureVerification> {
  return (await call('GET', path(id, '/verification'))) as ProcedureVerification;
}

export async function startReanalysis(id: string): Promise<ProcedureReanalysis> {
  return (await call('POST', path(id, '/reanalysis'), {})) as ProcedureReanalysis;
}

export async function readReanalysis(id: string): Promise<ProcedureReanalysis> {
  return (await call('GET', path(id, '/reanalysis'))) as ProcedureReanalysis;
}
