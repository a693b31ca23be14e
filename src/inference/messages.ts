import type { ResolvedDevice } from './device.js';

/** Given to the worker when it starts. */
export interface WorkerSetup {
  readonly graph: Uint8Array | string;
  readonly input: { readonly width: number; readonly height: number };
  readonly device: ResolvedDevice;
  readonly outputs: readonly string[];
}

export interface EmbedRequest {
  readonly type: 'embed';
  readonly count: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

export interface CloseRequest {
  readonly type: 'close';
}

export type WorkerRequest = EmbedRequest | CloseRequest;

/** Crosses the thread as plain data, since class and code of an error get lost on the way. */
export interface WorkerFault {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
}

/** `ready` or `failed` once; then one `embedded` or `fault` per request, in their order. */
export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly fault: WorkerFault }
  | { readonly type: 'embedded'; readonly outputs: Readonly<Record<string, Float32Array<ArrayBuffer>>>; readonly inferenceMs: number }
  | { readonly type: 'fault'; readonly fault: WorkerFault };
