// A row of a table, as a form.

import { labelled, make } from "./dom.js";
import { tensor, typeOf } from "./tensors.js";
import { Tokenizer } from "./tokenizer.js";

const DAY = 86_400_000; // milliseconds
const MAX_SHOWN = 12; // fields that are open from the start

/** The fields of some columns; `names` gives the input of each. */
export function columnFields(columns, names, context) {
  return columns.map((column) => makeField(column, names[column.name] ?? column.name, context));
}

export function tableInput(context) {
  const { signature } = context.model;
  const fields = columnFields(signature.columns, signature.inputs ?? {}, context);
  const shown = fields.slice(0, MAX_SHOWN).map((field) => field.element);
  const rest = fields.slice(MAX_SHOWN).map((field) => field.element);
  const element = make("form", { class: "fields", onsubmit: (event) => event.preventDefault() }, ...shown);
  if (rest.length) {
    const more = make("details", {}, make("summary", {}, `${rest.length} more columns`), make("div", { class: "fields" }, ...rest));
    element.append(more);
  }
  return {
    element,
    load: (inputs) => fields.forEach((field) => field.load(inputs)),
    read: () => ({ feeds: Object.assign({}, ...fields.map((field) => field.read())) }),
  };
}

function makeField(column, name, context) {
  if (column.type === "free_text") return textField(column, name, context);
  if (column.type !== "number") return categoryField(column, name, context);
  const fields = { time: timeField, boolean: booleanField };
  return (fields[column.form] ?? numberField)(column, name, context);
}

function inputType(context, name) {
  return typeOf(context.model.inputs.find((each) => each.name === name)?.type ?? "float");
}

function numberField(column, name, context) {
  const field = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", oninput: context.changed });
  return {
    element: labelled(column.name, field, "empty where missing"),
    load: (inputs) => (field.value = Number.isNaN(inputs[name].data[0]) ? "" : String(Number(inputs[name].data[0].toPrecision(7)))),
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
    load: (inputs) => (field.value = Object.keys(words).find((word) => Object.is(words[word], inputs[name].data[0])) ?? ""),
    read: () => ({ [name]: tensor(inputType(context, name), [1, 1], [words[field.value]]) }),
  };
}

function timeField(column, name, context) {
  const field = make("input", { type: "datetime-local", step: "1", oninput: context.changed });
  return {
    element: labelled(column.name, field, "empty where missing"),
    load(inputs) {
      const days = inputs[name].data[0];
      field.value = Number.isNaN(days) ? "" : new Date(Math.round(days * 86400) * 1000).toISOString().slice(0, 19);
    },
    read() {
      const value = field.value ? Date.parse(`${field.value}Z`) / DAY : NaN;
      return { [name]: tensor(inputType(context, name), [1, 1], [value]) };
    },
  };
}

function categoryField(column, name, context) {
  const seen = [...new Set(context.sample?.inputs[name]?.data ?? [])].filter(Boolean);
  const list = make("datalist", { id: `values-${name}` }, ...seen.map((value) => make("option", { value })));
  const field = make("input", { type: "text", list: list.id, autocomplete: "off", oninput: context.changed });
  return {
    element: make("div", {}, labelled(column.name, field, "a category; empty where missing"), list),
    load: (inputs) => (field.value = inputs[name].data[0]),
    read: () => ({ [name]: tensor("string", [1, 1], [field.value]) }),
  };
}

function textField(column, name, context) {
  const tokenizer = new Tokenizer(column.tokenizer, context.model.constants);
  const field = make("textarea", { rows: "2", oninput: context.changed });
  return {
    element: labelled(column.name, field, "a text; empty where missing"),
    load: (inputs) => (field.value = tokenizer.decode(Array.from(inputs[name].data))),
    read() {
      const ids = new Int32Array(tokenizer.length);
      ids.set(tokenizer.encode(field.value));
      return { [name]: { type: "int32", dims: [1, tokenizer.length], data: ids } };
    },
  };
}
