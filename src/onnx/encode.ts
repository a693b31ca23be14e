import {
  DATA_TYPE_CODES,
  type Attribute,
  type Graph,
  type GraphValue,
  type Initializer,
  type Node,
  type OnnxModel,
  type TensorInfo,
} from './graph.js';
import { joinChunks, MessageWriter } from './protobuf.js';

/** Where the elements of a large initializer go instead of the file: what `external_data` says of it. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
}

export interface EncodeOptions {
  /** Decides for each initializer of the main graph whether it lies in another file. */
  readonly external?: (initializer: Initializer) => ExternalPlace | null;
}

/** The ONNX file as one array. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  return joinChunks(encodeModelChunks(model));
}

/** The ONNX file as chunks to be written one after the other; the initializers' data are not copied. */
export function encodeModelChunks(model: OnnxModel, options: EncodeOptions = {}): readonly Uint8Array[] {
  const message = new MessageWriter().int(1, model.irVersion).string(2, 'lumenmark').message(7, graphMessage(model.graph, options));
  for (const [domain, version] of model.opsets) message.message(8, new MessageWriter().string(1, domain).int(2, version));
  for (const [key, value] of model.metadata) message.message(14, new MessageWriter().string(1, key).string(2, value));
  for (const fields of model.opaque) message.encoded(fields);
  return message.chunks();
}

function graphMessage(graph: Graph, options: EncodeOptions): MessageWriter {
  const message = new MessageWriter();
  for (const node of graph.nodes) message.message(1, nodeMessage(node));
  message.string(2, graph.name);
  for (const initializer of graph.initializers.values()) {
    message.message(5, tensorMessage(initializer, options.external?.(initializer) ?? null));
  }
  const interfaceNames = new Set<string>();
  for (const value of graph.inputs) message.message(11, valueMessage(value));
  for (const value of graph.outputs) message.message(12, valueMessage(value));
  for (const { name } of [...graph.inputs, ...graph.outputs]) interfaceNames.add(name);
  for (const [name, info] of graph.values) {
    if (!interfaceNames.has(name) && !graph.initializers.has(name)) message.message(13, valueMessage({ name, info }));
  }
  for (const fields of graph.opaque) message.encoded(fields);
  return message;
}

function nodeMessage(node: Node): MessageWriter {
  const message = new MessageWriter();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, node.name).string(4, node.opType);
  for (const [name, attribute] of Object.entries(node.attributes)) message.message(5, attributeMessage(name, attribute));
  if (node.domain !== '') message.string(7, node.domain);
  return message;
}

function attributeMessage(name: string, attribute: Attribute): MessageWriter {
  const message = new MessageWriter().string(1, name);
  switch (attribute.kind) {
    case 'float':
      return message.float(2, attribute.value).int(20, 1);
    case 'int':
      return message.int(3, attribute.value).int(20, 2);
    case 'string':
      return message.string(4, attribute.value).int(20, 3);
    case 'tensor':
      return message.message(5, tensorMessage(attribute.value, null)).int(20, 4);
    case 'graph':
      return message.message(6, graphMessage(attribute.value, {})).int(20, 5);
    case 'floats':
      return message.packedFloats(7, attribute.value).int(20, 6);
    case 'ints':
      return message.packedInts(8, attribute.value).int(20, 7);
    case 'strings':
      for (const value of attribute.value) message.string(9, value);
      return message.int(20, 8);
    case 'opaque':
      return message.encoded(attribute.value);
  }
}

function tensorMessage(tensor: Initializer, external: ExternalPlace | null): MessageWriter {
  const message = new MessageWriter().packedInts(1, tensor.shape).int(2, DATA_TYPE_CODES[tensor.type]).string(8, tensor.name);
  if (tensor.type === 'string') return stringElements(message, tensor);
  if (external === null) return message.bytes(9, tensor.data);
  const entries = { location: external.location, offset: String(external.offset), length: String(tensor.data.byteLength) };
  for (const [key, value] of Object.entries(entries)) message.message(13, new MessageWriter().string(1, key).string(2, value));
  return message.int(14, 1);
}

/** Strings have no `raw_data`; `Initializer.data` holds the encoded `string_data` fields. */
function stringElements(message: MessageWriter, tensor: Initializer): MessageWriter {
  return message.encoded(tensor.data);
}

function valueMessage(value: GraphValue): MessageWriter {
  const message = new MessageWriter().string(1, value.name);
  return value.info === null ? message : message.message(2, new MessageWriter().message(1, tensorTypeMessage(value.info)));
}

function tensorTypeMessage(info: TensorInfo): MessageWriter {
  const shape = new MessageWriter();
  for (const dimension of info.shape) {
    const entry = new MessageWriter();
    shape.message(1, typeof dimension === 'number' ? entry.int(1, dimension) : entry.string(2, dimension));
  }
  return new MessageWriter().int(1, DATA_TYPE_CODES[info.type]).message(2, shape);
}
