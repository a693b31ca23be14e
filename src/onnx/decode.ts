import { ModelError } from '../common/errors.js';
import {
  byteLengthOf,
  DATA_TYPE_CODES,
  type Attribute,
  type DataType,
  type Dimension,
  type Graph,
  type GraphValue,
  type Initializer,
  type Node,
  type OnnxModel,
  type TensorInfo,
} from './graph.js';
import { joinChunks, readFields, type Field } from './protobuf.js';

export interface DecodeOptions {
  /** Reads data that lie outside the file. Without it, a model with such data is refused. */
  readonly external?: (location: string, offset: number, byteLength: number) => Uint8Array;
}

const TYPES = new Map(Object.entries(DATA_TYPE_CODES).map(([type, code]) => [code as number, type as DataType]));

/**
 * Reads an ONNX file. Weights stay views of `bytes`. What the intermediate representation has no place for is kept as it stood
 * and written back by `encodeModel`; documentation strings are dropped.
 *
 * @throws ModelError `onnx-damaged` when the bytes are not ONNX, `onnx-external` when external data are out of reach.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): OnnxModel {
  let irVersion = 0;
  let graph: Graph | null = null;
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const opaque: Uint8Array[] = [];
  for (const field of readFields(bytes)) {
    if (field.number === 1) irVersion = field.int();
    else if (field.number === 7) graph = decodeGraph(field.message(), options, 0);
    else if (field.number === 8) {
      const { 1: domain, 2: version } = singles(field.message());
      opsets.set(normalDomain(domain?.string() ?? ''), version?.int() ?? 0);
    } else if (field.number === 14) {
      const { 1: key, 2: value } = singles(field.message());
      metadata.set(key?.string() ?? '', value?.string() ?? '');
    } else if (field.number >= 20) opaque.push(field.encoded);
  }
  if (graph === null || irVersion === 0) throw damaged('it holds no graph');
  if (opsets.size === 0) throw damaged('it names no operator set');
  return { graph, irVersion, opsets, metadata, opaque };
}

// A file can nest graphs in attributes; real ones are a few levels deep, and a crafted one must not exhaust the stack.
const DEEPEST_GRAPH = 32;

function decodeGraph(fields: Iterable<Field>, options: DecodeOptions, depth: number): Graph {
  if (depth > DEEPEST_GRAPH) throw damaged('its graphs are nested too deeply');
  let name = '';
  const nodes: Node[] = [];
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const initializers = new Map<string, Initializer>();
  const values = new Map<string, TensorInfo>();
  const opaque: Uint8Array[] = [];
  const remember = (value: GraphValue): GraphValue => {
    if (value.info !== null) values.set(value.name, value.info);
    return value;
  };
  for (const field of fields) {
    if (field.number === 1) nodes.push(decodeNode(field.message(), options, depth));
    else if (field.number === 2) name = field.string();
    else if (field.number === 5) {
      const tensor = decodeTensor(field.message(), options);
      initializers.set(tensor.name, tensor);
      values.set(tensor.name, { type: tensor.type, shape: tensor.shape });
    } else if (field.number === 11) inputs.push(remember(decodeValue(field.message())));
    else if (field.number === 12) outputs.push(remember(decodeValue(field.message())));
    else if (field.number === 13) remember(decodeValue(field.message()));
    else if (field.number > 13) opaque.push(field.encoded);
  }
  return { name, nodes, inputs, outputs, initializers, values, opaque };
}

function decodeNode(fields: Iterable<Field>, options: DecodeOptions, depth: number): Node {
  let [name, opType, domain] = ['', '', ''];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, Attribute> = {};
  for (const field of fields) {
    if (field.number === 1) inputs.push(field.string());
    else if (field.number === 2) outputs.push(field.string());
    else if (field.number === 3) name = field.string();
    else if (field.number === 4) opType = field.string();
    else if (field.number === 5) {
      const [attributeName, attribute] = decodeAttribute([...field.message()], options, depth);
      // `__proto__` as a name must become an own property like any other.
      Object.defineProperty(attributes, attributeName, { value: attribute, enumerable: true, configurable: true });
    } else if (field.number === 7) domain = normalDomain(field.string());
  }
  return { name, opType, domain, inputs, outputs, attributes };
}

function decodeAttribute(fields: readonly Field[], options: DecodeOptions, depth: number): [name: string, attribute: Attribute] {
  const { 1: name, 2: float, 3: int, 4: string, 5: tensor, 6: graph, 20: type } = singles(fields);
  const repeated = (number: number): readonly Field[] => fields.filter((field) => field.number === number);
  const opaque = (): Attribute => ({
    kind: 'opaque',
    value: joinChunks(fields.filter((field) => field.number !== 1).map((field) => field.encoded)),
  });
  const decoded = (): Attribute => {
    switch (type?.int() ?? 0) {
      case 1:
        return { kind: 'float', value: float?.float() ?? 0 };
      case 2: {
        const value = int?.bigint() ?? 0n;
        return isExact(value) ? { kind: 'int', value: Number(value) } : opaque();
      }
      case 3:
        return { kind: 'string', value: string?.string() ?? '' };
      case 4:
        return tensor === undefined ? opaque() : { kind: 'tensor', value: decodeTensor(tensor.message(), options) };
      case 5:
        return graph === undefined ? opaque() : { kind: 'graph', value: decodeGraph(graph.message(), options, depth + 1) };
      case 6:
        return { kind: 'floats', value: [...new Float32Array(aligned(joinChunks(repeated(7).map((field) => field.fixed(4)))))] };
      case 7: {
        const values = repeated(8).flatMap((field) => field.ints());
        return values.every(isExact) ? { kind: 'ints', value: values.map(Number) } : opaque();
      }
      case 8:
        return { kind: 'strings', value: repeated(9).map((field) => field.string()) };
      default:
        return opaque();
    }
  };
  return [name?.string() ?? '', decoded()];
}

function decodeTensor(fields: Iterable<Field>, options: DecodeOptions): Initializer {
  const all = [...fields];
  const { 2: typeCode, 8: name, 9: raw, 14: location } = singles(all);
  const repeated = (number: number): readonly Field[] => all.filter((field) => field.number === number);
  const label = name?.string() ?? '';
  const type = TYPES.get(typeCode?.int() ?? 0);
  if (type === undefined) throw damaged(`tensor ${label} has no known data type`);
  const shape = repeated(1)
    .flatMap((field) => field.ints())
    .map(Number);
  const elements = shape.reduce((product, length) => product * length, 1);
  if (shape.some((length) => length < 0) || !Number.isSafeInteger(elements)) throw damaged(`tensor ${label} has an impossible shape`);
  if (type === 'string') return { name: label, type, shape, data: joinChunks(repeated(6).map((field) => field.encoded)) };
  const byteLength = byteLengthOf(type, elements);
  let data: Uint8Array;
  if (location?.int() === 1) data = externalData(label, repeated(13), byteLength, options);
  else if (raw !== undefined) data = raw.bytes();
  else data = typedData(type, repeated, byteLength);
  if (data.byteLength !== byteLength) {
    throw damaged(`tensor ${label} of shape [${shape.join(', ')}] holds ${String(data.byteLength)} bytes instead of ${String(byteLength)}`);
  }
  return { name: label, type, shape, data };
}

/** The elements of a tensor without `raw_data`: they stand in the field of their type family. */
function typedData(type: DataType, repeated: (number: number) => readonly Field[], byteLength: number): Uint8Array {
  const fixed = (number: number, byteWidth: 4 | 8): Uint8Array => joinChunks(repeated(number).map((field) => field.fixed(byteWidth)));
  if (type === 'float32' || type === 'complex64') return fixed(4, 4);
  if (type === 'float64' || type === 'complex128') return fixed(10, 8);
  const field = type === 'int64' ? 7 : type === 'uint32' || type === 'uint64' ? 11 : 5;
  const values = repeated(field).flatMap((entry) => entry.ints());
  const width = values.length === 0 ? 0 : byteLength / values.length;
  switch (width) {
    case 0:
      return new Uint8Array();
    case 1:
      return Uint8Array.from(values, (value) => Number(BigInt.asUintN(8, value)));
    case 2:
      return bytesOf(Uint16Array.from(values, (value) => Number(BigInt.asUintN(16, value))));
    case 4:
      return bytesOf(Uint32Array.from(values, (value) => Number(BigInt.asUintN(32, value))));
    case 8:
      return bytesOf(BigInt64Array.from(values));
    default:
      throw damaged(`a tensor of type ${type} holds ${String(values.length)} values`);
  }
}

function externalData(label: string, entries: readonly Field[], byteLength: number, options: DecodeOptions): Uint8Array {
  const found = new Map(
    entries.map((entry) => {
      const { 1: key, 2: value } = singles(entry.message());
      return [key?.string() ?? '', value?.string() ?? ''];
    }),
  );
  const location = found.get('location') ?? '';
  if (options.external === undefined) {
    throw new ModelError('onnx-external', `The weights of ${label} lie in another file (${location}).`, {
      remedy: 'Open the model by its path, with its data file beside it.',
    });
  }
  const offset = Number(found.get('offset') ?? 0);
  const length = Number(found.get('length') ?? byteLength);
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== byteLength) throw damaged(`the external data of ${label} are misplaced`);
  return options.external(location, offset, length);
}

function decodeValue(fields: Iterable<Field>): GraphValue {
  const { 1: name, 2: type } = singles(fields);
  return { name: name?.string() ?? '', info: type === undefined ? null : decodeType(type.message()) };
}

function decodeType(fields: Iterable<Field>): TensorInfo | null {
  const { 1: tensor } = singles(fields);
  if (tensor === undefined) return null;
  const { 1: code, 2: shape } = singles(tensor.message());
  const type = TYPES.get(code?.int() ?? 0);
  if (type === undefined || shape === undefined) return null;
  const dimensions: Dimension[] = [];
  for (const entry of shape.message()) {
    if (entry.number !== 1) continue;
    const { 1: length, 2: symbol } = singles(entry.message());
    dimensions.push(length === undefined ? (symbol?.string() ?? '') : length.int());
  }
  // A dimension without length or name is one of its own.
  return { type, shape: dimensions.map((dimension, index) => (dimension === '' ? `?${String(index)}` : dimension)) };
}

/** The last field of each number, as Protocol Buffers reads fields that are not repeated. */
function singles(fields: Iterable<Field>): Readonly<Record<number, Field>> {
  const found: Record<number, Field> = {};
  for (const field of fields) found[field.number] = field;
  return found;
}

function normalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function isExact(value: bigint): boolean {
  return value === 2n ** 63n - 1n || BigInt(Number(value)) === value;
}

function aligned(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function damaged(what: string): ModelError {
  return new ModelError('onnx-damaged', `Not a readable ONNX file: ${what}.`, {
    remedy: 'Fetch or export the file again; it is damaged, truncated, or not ONNX at all.',
  });
}
