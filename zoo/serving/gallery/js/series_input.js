// Numbers by position: vectors, sequences, and the last steps of a series with its covariates.

import { labelled, make, show } from "./dom.js";
import { columnFields } from "./table_input.js";
import { inputOf, joinColumns, splitColumns } from "./tensor_forms.js";
import { size, tensor, typeOf } from "./tensors.js";

const ROWS = 10; // of a field

export function arrayInput(context) {
  const { model } = context;
  const fields = [matrixField(model.inputs.find((each) => each.name === "array") ?? model.inputs[0], context)];
  return together(fields, context);
}

export function seriesInput(context) {
  const { signature, inputs } = context.model;
  const statics = columnFields(signature.static ?? [], context);
  const ofColumns = new Set((signature.static ?? []).map(({ name }) => inputOf(name, signature)));
  const fields = inputs.filter((each) => !ofColumns.has(each.name)).map((each) => matrixField(each, context));
  return together(fields, context, statics);
}

function together(fields, { model }, statics = []) {
  return {
    element: make("form", { class: "fields wide", onsubmit: (event) => event.preventDefault() }, ...[...fields, ...statics].map((each) => each.element)),
    load(inputs) {
      fields.forEach((field) => field.load(inputs));
      if (statics.length) statics.forEach((field) => field.load(splitColumns(inputs, model.signature)));
    },
    read() {
      const feeds = Object.assign({}, ...fields.map((field) => field.read()));
      if (statics.length) Object.assign(feeds, joinColumns(Object.assign({}, ...statics.map((each) => each.read())), model.signature));
      return { feeds, history: history(feeds, model) };
    },
  };
}

/** The past of each target of a forecast. */
function history({ array }, { signature, answers }) {
  if (answers !== "forecasting" || !array) return null;
  const width = array.dims.length === 3 ? array.dims[2] : 1;
  const names = signature.targets?.length ? signature.targets : [signature.target];
  const columns = (signature.columns ?? []).map((column) => column.name);
  return names.map((name, i) => {
    const at = Math.max(0, columns.indexOf(name) >= 0 ? columns.indexOf(name) : i);
    return Array.from(array.data).filter((_, place) => place % width === at);
  });
}

/** A field of rows of numbers. */
function matrixField(input, context) {
  const { signature } = context.model;
  const shape = input.name === "known_covariates" ? [signature.horizon, signature.known.length] : signature.shape;
  const width = shape.length === 2 ? shape[1] : 1;
  const names = input.name === "known_covariates" ? signature.known : (signature.columns ?? []).map((each) => each.name);
  const field = make("textarea", { rows: String(ROWS), spellcheck: "false", wrap: "off", oninput: context.changed });
  const steps = shape[0] === null ? "any number of" : shape[0];
  const form = width > 1 ? `${steps} rows of ${width} numbers${names?.length ? `: ${names.join(", ")}` : ""}` : `${steps} numbers, the last one the latest`;
  return {
    element: labelled(words(input.name), field, form),
    load(inputs) {
      const rows = [];
      const data = Array.from(inputs[input.name].data);
      for (let i = 0; i < data.length; i += width) {
        const row = data.slice(i, i + width);
        if (!row.every(Number.isNaN)) rows.push(row.map((value) => String(Number(value.toPrecision(7)))).join(", "));
      }
      field.value = rows.join("\n");
    },
    read() {
      const values = field.value.split(/[\s,;]+/).filter(Boolean).map(Number);
      const wrong = values.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) throw new Error(`${words(input.name)}: value ${wrong + 1} is no number`);
      const wanted = shape[0] === null ? null : size(shape);
      if (wanted !== null && values.length !== wanted)
        throw new Error(`${words(input.name)}: expected ${wanted} numbers, received ${values.length}`);
      if (wanted === null && (!values.length || values.length % width))
        throw new Error(`${words(input.name)}: expected rows of ${width} numbers, received ${show(values.length)}`);
      const dims = shape.length === 2 ? [1, values.length / width, width] : [1, values.length];
      return { [input.name]: tensor(typeOf(input.type), dims, values) };
    },
  };
}

function words(name) {
  return name === "array" ? "Values" : name.replaceAll("_", " ");
}
