// Tensors as plain objects `{ type, dims, data }`, and those of `sample.json` (Open Inference Protocol) as such.

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  string: Array,
};
const OF_ONNX = { float: "float32", double: "float64" }; // the names of the others are the same
const OF_SAMPLE = { FP32: "float32", FP64: "float64", INT32: "int32", INT64: "int64", UINT8: "uint8" };
const OTHER_SAMPLE = { BOOL: "bool", BYTES: "string" };

/** The type of onnxruntime for that in `model.json`. */
export function typeOf(onnx) {
  return OF_ONNX[onnx] ?? onnx;
}

/** A tensor of numbers or texts; null becomes NaN, and texts such as "-inf" become what they say. */
export function tensor(type, dims, values) {
  if (type === "string") return { type, dims, data: Array.from(values, String) };
  const number = (value) => (value === null ? NaN : typeof value === "string" ? parseInfinity(value) : value);
  const data = type === "int64" ? BigInt64Array.from(values, (value) => BigInt(value)) : ARRAYS[type].from(values, number);
  return { type, dims, data };
}

function parseInfinity(text) {
  return text.startsWith("-") ? -Infinity : Infinity;
}

/** The tensors of a part of `sample.json`, by name. */
export function readSample(part) {
  const read = ({ datatype, shape, data }) => tensor(OF_SAMPLE[datatype] ?? OTHER_SAMPLE[datatype], shape, data);
  return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, read(each)]));
}

/** Number of values in a shape. */
export function size(dims) {
  return dims.reduce((a, b) => a * b, 1);
}

/** One example of a tensor, with an axis of one; `axis` is that of the examples. */
export function example(each, row, axis = 0) {
  const inner = size(each.dims.slice(axis + 1));
  const outer = size(each.dims.slice(0, axis));
  const dims = each.dims.map((n, i) => (i === axis ? 1 : n));
  const parts = Array.from({ length: outer }, (_, i) => {
    const start = (i * each.dims[axis] + row) * inner;
    return each.data.slice(start, start + inner);
  });
  if (parts.length === 1) return { type: each.type, dims, data: parts[0] };
  const data = new each.data.constructor(outer * inner);
  parts.forEach((part, i) => data.set(part, i * inner));
  return { type: each.type, dims, data };
}

/** The values of a tensor as numbers; whole numbers of 64 bits too. */
export function numbers(each) {
  return each.type === "int64" ? Array.from(each.data, Number) : Array.from(each.data);
}
