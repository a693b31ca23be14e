import type { ResolvedDevice } from './device.js';
import type { WorkerFault } from './messages.js';
import type { TensorValue } from './session.js';

export type Tensors = Readonly<Record<string, TensorValue>>;

/** What the thread of a `GraphRunner` is asked; it answers each request, in their order. */
export type GraphRequest =
  | { readonly type: 'load'; readonly key: string; readonly graph: Uint8Array<ArrayBuffer>; readonly device: ResolvedDevice }
  | { readonly type: 'hold'; readonly tensors: Tensors }
  | { readonly type: 'run'; readonly key: string; readonly inputs: Tensors }
  | { readonly type: 'close' };

export type GraphReply =
  | { readonly type: 'done'; readonly outputs: Readonly<Record<string, TensorValue>> }
  | { readonly type: 'fault'; readonly fault: WorkerFault };
