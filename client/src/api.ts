import type { ChecklistSummary } from '../../src/server/protocol.js';

/** What the server says went wrong, with the way out. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly remedy: string | null;

  constructor(message: string, remedy: string | null) {
    super(message);
    this.remedy = remedy;
  }
}

export interface Device {
  source: string;
  name: string;
  formats: string[];
}

function problem(text: string, status: number): ApiError {
  try {
    const { message, remedy } = JSON.parse(text) as { message: string; remedy?: string };
    return new ApiError(message, remedy ?? null);
  } catch {
    return new ApiError(`The server answered ${status}.`, null);
  }
}

/** Sends JSON, or nothing. @throws ApiError */
export function call(method: string, path: string, body?: unknown): Promise<unknown> {
  return send(method, path, body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** The JSON that comes back; null for none. @throws ApiError */
export async function send(method: string, path: string, init: Pick<RequestInit, 'headers' | 'body'>): Promise<unknown> {
  const response = await fetch(path, { method, ...init }).catch(() => {
    throw new ApiError('The server cannot be reached.', 'Check that it runs and that this device is on its network.');
  });
  const text = await response.text();
  if (!response.ok) throw problem(text, response.status);
  return text === '' ? null : JSON.parse(text);
}

export async function listDevices(): Promise<Device[]> {
  return ((await call('GET', './api/devices')) as { devices: Device[] }).devices;
}

export async function listChecklists(): Promise<ChecklistSummary[]> {
  return ((await call('GET', './api/checklists')) as { checklists: ChecklistSummary[] }).checklists;
}

export async function openSource(source: string): Promise<void> {
  await call('POST', './api/source', { source });
}

export async function closeSource(): Promise<void> {
  await call('DELETE', './api/source');
}

export async function setChecklist(id: string): Promise<void> {
  await call('PUT', './api/checklist', { id });
}

/** Sends a file; resolves to the path to open. `fetch` tells nothing of its progress, hence the older interface. */
export function upload(file: File, onProgress: (share: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', `./api/uploads/${encodeURIComponent(file.name)}`);
    request.upload.onprogress = ({ loaded, total }): void => {
      onProgress(total === 0 ? 0 : loaded / total);
    };
    request.onload = (): void => {
      if (request.status === 200) resolve((JSON.parse(request.responseText) as { source: string }).source);
      else reject(problem(request.responseText, request.status));
    };
    request.onerror = (): void => {
      reject(new ApiError(`The upload of "${file.name}" broke off.`, 'Check the connection and the size of the file, then try again.'));
    };
    request.send(file);
  });
}
