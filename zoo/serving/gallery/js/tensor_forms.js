// Columns as the tensors of a file, as `zoo.serving.tensor_forms.TensorForm` describes it: all numbers may be one tensor,
// and categories their ids.

import { tensor } from "./tensors.js";

const UNSEEN = "\ufffd"; // what is shown for an id that has no category

/** The name of the input of each column that has one of its own. */
function ownInputs({ inputs, columns = [], static: statics = [], kind }) {
  const named = { table: columns, series: statics }[kind] ?? [];
  return inputs ?? Object.fromEntries(named.map(({ name }) => [name, name])); // older files lack it
}

/** The input of a column, its own or that of all numbers. */
export function inputOf(name, signature) {
  return signature.tensors?.numbers?.columns.includes(name) ? signature.tensors.numbers.input : ownInputs(signature)[name];
}

/** The columns in the inputs of a file, by name. */
export function splitColumns(feeds, signature) {
  const { numbers, categories = {} } = signature.tensors ?? {};
  const found = {};
  (numbers?.columns ?? []).forEach((name, place) => {
    const { type, dims, data } = feeds[numbers.input];
    found[name] = { type, dims: [dims[0], 1], data: data.filter((_, i) => i % dims[1] === place) };
  });
  for (const [name, input] of Object.entries(ownInputs(signature))) {
    found[name] = feeds[input];
    if (!(name in categories)) continue;
    const texts = new Map(Object.entries(categories[name].ids).map(([text, id]) => [id, text]));
    found[name] = tensor("string", feeds[input].dims, Array.from(feeds[input].data, (id) => texts.get(Number(id)) ?? UNSEEN));
  }
  return found;
}

/** The inputs of a file from one value of each column. */
export function joinColumns(columns, signature) {
  const { numbers, categories = {} } = signature.tensors ?? {};
  const found = {};
  if (numbers) {
    const rows = numbers.columns.map((name) => columns[name]);
    found[numbers.input] = tensor(rows[0].type, [1, rows.length], rows.map(({ data }) => data[0]));
  }
  for (const [name, input] of Object.entries(ownInputs(signature))) {
    const { dims, data } = columns[name];
    const { ids, unknown } = categories[name] ?? {};
    const id = (text) => (Object.hasOwn(ids, text) ? ids[text] : unknown);
    found[input] = ids ? tensor("int64", dims, data.map(id)) : columns[name];
  }
  return found;
}
