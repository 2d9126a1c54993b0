// A row of a table, as a form.

import { labelled, make } from "./dom.js";
import { inputOf, joinColumns, splitColumns } from "./tensor_forms.js";
import { tensor, typeOf } from "./tensors.js";
import { Tokenizer } from "./tokenizer.js";

const DAY = 86_400_000; // milliseconds
const MAX_SHOWN = 12; // fields that are open from the start

/** The fields of some columns: each loads and reads tensors by the name of its column. */
export function columnFields(columns, context) {
  const seen = context.sample ? splitColumns(context.sample.inputs, context.model.signature) : {};
  return columns.map((column) => makeField(column, { ...context, seen }));
}

export function tableInput(context) {
  const { signature } = context.model;
  const fields = columnFields(signature.columns, context);
  const shown = fields.slice(0, MAX_SHOWN).map((field) => field.element);
  const rest = fields.slice(MAX_SHOWN).map((field) => field.element);
  const element = make("form", { class: "fields", onsubmit: (event) => event.preventDefault() }, ...shown);
  if (rest.length) {
    const more = make("details", {}, make("summary", {}, `${rest.length} more columns`), make("div", { class: "fields" }, ...rest));
    element.append(more);
  }
  return {
    element,
    load(inputs) {
      const columns = splitColumns(inputs, signature);
      fields.forEach((field) => field.load(columns));
    },
    read: () => ({ feeds: joinColumns(Object.assign({}, ...fields.map((field) => field.read())), signature) }),
  };
}

function makeField(column, context) {
  const { name } = column;
  if (column.type === "free_text") return textField(column, name, context);
  if (column.type !== "number") return categoryField(column, name, context);
  const fields = { time: timeField, boolean: booleanField };
  return (fields[column.form] ?? numberField)(column, name, context);
}

function inputType({ model }, name) {
  const input = inputOf(name, model.signature);
  return typeOf(model.inputs.find((each) => each.name === input).type);
}

function numberField(column, name, context) {
  const field = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", oninput: context.changed });
  return {
    element: labelled(column.name, field, "empty where missing"),
    load: (columns) => (field.value = Number.isNaN(columns[name].data[0]) ? "" : String(Number(columns[name].data[0].toPrecision(7)))),
    read() {
      const text = field.value.trim();
      const value = text === "" ? NaN : Number(text);
      if (text !== "" && !Number.isFinite(value)) throw new Error(`${column.name}: "${text}" is no number`);
      return { [name]: tensor(inputType(context, name), [1, 1], [value]) };
    },
  };
}

function booleanField(column, name, context) {
  const words = { "": NaN, false: 0, true: 1 };
  const options = Object.keys(words).map((word) => make("option", {}, word));
  const field = make("select", { onchange: context.changed }, ...options);
  return {
    element: labelled(column.name, field, "empty where missing"),
    load: (columns) => (field.value = Object.keys(words).find((word) => Object.is(words[word], columns[name].data[0])) ?? ""),
    read: () => ({ [name]: tensor(inputType(context, name), [1, 1], [words[field.value]]) }),
  };
}

function timeField(column, name, context) {
  const field = make("input", { type: "datetime-local", step: "1", oninput: context.changed });
  return {
    element: labelled(column.name, field, "empty where missing"),
    load(columns) {
      const days = columns[name].data[0];
      field.value = Number.isNaN(days) ? "" : new Date(Math.round(days * 86400) * 1000).toISOString().slice(0, 19);
    },
    read() {
      const value = field.value ? Date.parse(`${field.value}Z`) / DAY : NaN;
      return { [name]: tensor(inputType(context, name), [1, 1], [value]) };
    },
  };
}

function categoryField(column, name, context) {
  const seen = [...new Set(context.seen[name]?.data ?? [])].filter(Boolean);
  const list = make("datalist", { id: `values-${inputOf(name, context.model.signature)}` }, ...seen.map((value) => make("option", { value })));
  const field = make("input", { type: "text", list: list.id, autocomplete: "off", oninput: context.changed });
  return {
    element: make("div", {}, labelled(column.name, field, "a category; empty where missing"), list),
    load: (columns) => (field.value = columns[name].data[0]),
    read: () => ({ [name]: tensor("string", [1, 1], [field.value]) }),
  };
}

function textField(column, name, context) {
  const tokenizer = new Tokenizer(column.tokenizer, context.model.constants);
  const field = make("textarea", { rows: "2", oninput: context.changed });
  return {
    element: labelled(column.name, field, "a text; empty where missing"),
    load: (columns) => (field.value = tokenizer.decode(Array.from(columns[name].data))),
    read() {
      const ids = new Int32Array(tokenizer.length);
      ids.set(tokenizer.encode(field.value));
      return { [name]: { type: "int32", dims: [1, tokenizer.length], data: ids } };
    },
  };
}
