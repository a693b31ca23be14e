import type { TensorType } from '../tensor.js';

const STORAGE_TYPES: Readonly<Record<string, TensorType | null>> = {
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  DoubleStorage: 'float64',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  BoolStorage: 'bool',
  UntypedStorage: null,
};

const DTYPES: Readonly<Record<string, TensorType>> = {
  float32: 'float32',
  float: 'float32',
  float16: 'float16',
  half: 'float16',
  bfloat16: 'bfloat16',
  float64: 'float64',
  double: 'float64',
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
};

/**
 * What a pickle may name. Each is one of these inert markers: nothing is looked up, imported or called. `rebuild-*` and `ordered-dict` are
 * the only ones that may be applied to arguments.
 */
export type Global =
  | { readonly global: 'rebuild-tensor' | 'rebuild-typed-tensor' | 'rebuild-parameter' | 'ordered-dict' | 'size'; readonly name: string }
  | { readonly global: 'storage'; readonly name: string; readonly type: TensorType | null }
  | { readonly global: 'dtype'; readonly name: string; readonly type: TensorType };

/** Null for everything else that a pickle may name. */
export function globalNamed(module: string, name: string): Global | null {
  const full = `${module}.${name}`;
  switch (full) {
    case 'torch._utils._rebuild_tensor_v2':
    case 'torch._utils._rebuild_tensor':
      return { global: 'rebuild-tensor', name: full };
    case 'torch._utils._rebuild_tensor_v3':
      return { global: 'rebuild-typed-tensor', name: full };
    case 'torch._utils._rebuild_parameter':
      return { global: 'rebuild-parameter', name: full };
    case 'collections.OrderedDict':
      return { global: 'ordered-dict', name: full };
    case 'torch.Size':
      return { global: 'size', name: full };
  }
  if ((module === 'torch' || module === 'torch.storage' || module === 'torch.cuda') && Object.hasOwn(STORAGE_TYPES, name)) {
    return { global: 'storage', name: full, type: STORAGE_TYPES[name] ?? null };
  }
  const dtype = module === 'torch' && Object.hasOwn(DTYPES, name) ? DTYPES[name] : undefined;
  return dtype === undefined ? null : { global: 'dtype', name: full, type: dtype };
}
