// Texts and token ids.

import { labelled, make } from "./dom.js";
import { Tokenizer } from "./tokenizer.js";

const LABELS = { translate: "Source", continue: "Beginning", fill_in: "Text, with \ufffd for what is missing", predict: "Text" };

export function textInput(context) {
  const { model } = context;
  const tokenizer = new Tokenizer(model.signature.tokenizer, model.constants);
  context.tokenizer = tokenizer;
  const name = model.inputs.find((each) => ["tokens", "source"].includes(each.name))?.name ?? model.inputs[0].name;
  const note = make("p", { class: "note" });
  const field = make("textarea", { rows: "3", oninput: context.changed });
  const element = make("div", { class: "fields wide" }, labelled(LABELS[model.flow], field), note);
  return {
    element,
    load: (inputs) => (field.value = shorten(tokenizer.decode(Array.from(inputs[name].data)), model.flow)),
    read() {
      if (!field.value) return null;
      const ids = tokenizer.encode(field.value);
      if (!ids.length) throw new Error("the text holds no token");
      const unknown = tokenizer.countUnknown(field.value);
      note.textContent = unknown ? `${unknown} of ${ids.length} tokens are unknown to the vocabulary` : "";
      return { feeds: { [name]: { type: "int32", dims: [1, ids.length], data: Int32Array.from(ids) } }, ids, text: field.value };
    },
  };
}

/** Of a window of a corpus only the beginning, so that there is something to continue. */
function shorten(text, flow) {
  return flow === "continue" ? Array.from(text).slice(0, 40).join("") : text;
}

export function tokensInput(context) {
  const { model } = context;
  const name = model.inputs[0].name;
  const most = model.signature.tokens;
  const field = make("textarea", { rows: "4", spellcheck: "false", oninput: context.changed });
  return {
    element: make("div", { class: "fields wide" }, labelled("Token ids", field, most ? `whole numbers below ${most}` : "")),
    load: (inputs) => (field.value = Array.from(inputs[name].data).join(" ")),
    read() {
      const ids = field.value.split(/[\s,;]+/).filter(Boolean).map(Number);
      if (!ids.length) return null;
      const wrong = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || (most && id >= most));
      if (wrong >= 0) throw new Error(`token ${wrong + 1} is no id${most ? ` below ${most}` : ""}`);
      return { feeds: { [name]: { type: "int32", dims: [1, ids.length], data: Int32Array.from(ids) } }, ids };
    },
  };
}
