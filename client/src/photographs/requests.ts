import type { AssignmentRequest, PhotographsAnswer } from '../../../src/server/photograph-protocol.js';
import { call } from '../api.js';

const base = (id: string): string => `./api/procedures/${encodeURIComponent(id)}`;

export async function loadPhotographs(id: string): Promise<PhotographsAnswer> {
  return (await call('GET', `${base(id)}/photographs`)) as PhotographsAnswer;
}

export async function assignPhotograph(id: string, request: AssignmentRequest): Promise<PhotographsAnswer> {
  return (await call('POST', `${base(id)}/assignments`, request)) as PhotographsAnswer;
}

export function reportAddress(id: string, file: 'report.html' | 'report.json' | 'report.csv'): string {
  return `${base(id)}/report/${file}`;
}
