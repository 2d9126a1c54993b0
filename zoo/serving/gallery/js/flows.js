// How an answer comes about: one run of the file, or a loop around it.

import { ANSWERS } from "./answers.js";
import { argmax, greedy, sample } from "./decoding.js";
import { labelled, make } from "./dom.js";
import { drawNoise } from "./noise.js";
import { picture } from "./pictures.js";
import { size } from "./tensors.js";

const MAX_IMAGES = 16;
const text = (value) => make("p", { class: "answer mono" }, value);

async function predict(given, context) {
  return ANSWERS[context.model.answers](await context.session.run(given.feeds), given, context);
}

/** The logits behind the last token. */
function last({ logits }) {
  const width = logits.dims.at(-1);
  return logits.data.subarray(logits.data.length - width);
}

const row = (ids) => ({ type: "int32", dims: [1, ids.length], data: Int32Array.from(ids) });

async function translate(given, { model, session, show }) {
  const symbols = (ids) => ids.filter((id) => id > model.constants.end).map((id) => model.signature.labels[id]).join("");
  const step = async (ids) => last(await session.run({ ...given.feeds, target: row(ids) }));
  const ids = await greedy(step, model.constants, { onToken: (found) => show(text(symbols(found))) });
  return text(symbols(ids) || "nothing");
}

async function continueText(given, { model, session, tokenizer, show, settings }) {
  const context = model.signature.shape[0];
  const { temperature, length, seed } = settings.read();
  const step = async (ids) => last(await session.run({ tokens: row(ids.slice(-context)) }));
  const whole = (ids) => make("p", { class: "answer mono text" }, make("span", { class: "quiet" }, given.text), ids);
  const added = await sample(step, given.ids, model.constants, {
    length,
    seed,
    temperature,
    onToken: (ids) => show(whole(tokenizer.decode(ids.slice(given.ids.length)))),
  });
  return whole(tokenizer.decode(added));
}

async function fillIn(given, { model, session, tokenizer }) {
  const { logits } = await session.run(given.feeds);
  const width = logits.dims[2];
  const first = model.constants.end + 1; // special tokens are never filled in
  const filled = given.ids.map((id, i) =>
    id === model.constants.unknown ? first + argmax(logits.data.subarray(i * width + first, (i + 1) * width)) : id,
  );
  return text(tokenizer.decode(filled));
}

async function generate(given, { model, session }) {
  const { image } = await session.run(given.feeds);
  const [count, ...dims] = image.dims;
  const each = size(dims);
  const pictures = Array.from({ length: count }, (_, i) =>
    picture(image.data.slice(i * each, (i + 1) * each), dims, given.names?.[i] ?? `Image ${i + 1}`, 72),
  );
  return make("div", { class: "images" }, ...pictures);
}

/** The fields of a file that makes images. */
export function noiseInput({ model }) {
  const { signature } = model;
  const count = numberField(8, { min: 1, max: MAX_IMAGES, step: 1 });
  const seed = numberField(0, { min: 0, step: 1 });
  const takes = (name) => model.inputs.some((each) => each.name === name);
  const labels = signature.labels ?? [];
  const label = takes("label") && make("select", {}, ...["all in turn", ...labels].map((name) => make("option", {}, name)));
  const guidance = takes("guidance") && numberField(signature.guidance ?? 1, { min: 0, step: 0.5 });
  const fields = [labelled("Images", count), labelled("Seed", seed, "the same seed makes the images of zoo sample --seed")];
  if (label) fields.push(labelled("Class", label));
  if (guidance) fields.push(labelled("Guidance", guidance));
  return {
    element: make("form", { class: "fields", onsubmit: (event) => event.preventDefault() }, ...fields),
    read() {
      const images = whole(count, 1, MAX_IMAGES, "Images");
      const feeds = drawNoise(model, {
        count: images,
        seed: whole(seed, 0, Number.MAX_SAFE_INTEGER, "Seed"),
        label: label?.selectedIndex > 0 ? label.selectedIndex - 1 : null,
        guidance: guidance ? real(guidance, "Guidance") : null,
      });
      return { feeds, names: feeds.label ? Array.from(feeds.label.data, (i) => labels[i]) : null };
    },
  };
}

/** What a continuation is drawn with. */
export function drawSettings({ model }) {
  const temperature = numberField(0.8, { min: 0.05, step: 0.05 });
  const length = numberField(model.constants.continuation_length, { min: 1, max: 1000, step: 1 });
  const seed = numberField(0, { min: 0, step: 1 });
  return {
    element: make("form", { class: "fields", onsubmit: (event) => event.preventDefault() }, labelled("Temperature", temperature), labelled("Tokens to add", length), labelled("Seed", seed)),
    read: () => ({
      temperature: Math.max(1e-3, real(temperature, "Temperature")),
      length: whole(length, 1, 1000, "Tokens to add"),
      seed: whole(seed, 0, Number.MAX_SAFE_INTEGER, "Seed"),
    }),
  };
}

function numberField(value, limits) {
  return make("input", { type: "number", value, ...limits });
}

function real(field, name) {
  const value = Number(field.value);
  if (field.value === "" || !Number.isFinite(value) || value < 0) throw new Error(`${name}: expected a number from 0 on`);
  return value;
}

function whole(field, least, most, name) {
  const value = Number(field.value);
  if (field.value === "" || !Number.isInteger(value) || value < least || value > most)
    throw new Error(`${name}: expected a whole number from ${least} to ${most}`);
  return value;
}

/** Each flow: what runs, the word on its button (null: it runs at each change), and settings of its own. */
export const FLOWS = {
  predict: { run: predict, act: null },
  fill_in: { run: fillIn, act: null },
  translate: { run: translate, act: "Translate" },
  continue: { run: continueText, act: "Continue", settings: drawSettings },
  generate: { run: generate, act: "Make images" },
};

