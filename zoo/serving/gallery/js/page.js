// A model's page: loads the file, checks it on its sample, and lets the visitor try it.

import { checkSample } from "./check.js";
import { button, make } from "./dom.js";
import { FLOWS } from "./flows.js";
import { INPUTS } from "./inputs.js";
import { Session } from "./session.js";
import { example, readSample } from "./tensors.js";

const WAIT = 150; // milliseconds after a change, before the file is run

const at = (id) => document.getElementById(id);
const say = (text, problem = false) => {
  at("status").textContent = text;
  at("status").classList.toggle("problem", problem);
};

async function fetched(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: the server answers ${answer.status}`);
  return answer;
}

async function start() {
  const model = await (await fetched("model.json")).json();
  const sample = model.sample ? await (await fetched(model.sample)).json() : null;
  const context = { model, sample: sample && { inputs: readSample(sample.inputs), outputs: readSample(sample.outputs) } };
  const tried = tryIt(context);
  const content = await (await fetched(model.file)).arrayBuffer();
  const same = await digest(content);
  context.session = await Session.open(content);
  await check(context, same);
  await tried.ready();
}

/** The SHA-256 of the file; null where the browser gives none, as on pages that are not secure. */
async function digest(content) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function check(context, found) {
  const { model, sample, session } = context;
  const place = at("check");
  const hash = hashWords(model.certified, found);
  if (!sample) {
    place.append(` ${hash}`);
    return;
  }
  place.textContent = "The file is being run on its sample…";
  const result = await checkSample(session, sample, model);
  const word = result.ok ? "Equal to the certificate’s sample" : "Not equal to the certificate’s sample";
  const list = result.outputs.map(({ name, ok, sentence }) => make("li", { class: ok ? "" : "problem" }, `${name}: ${sentence}`));
  place.replaceChildren(make("strong", { class: result.ok ? "good" : "problem" }, word), `. ${hash}`, make("ul", {}, ...list));
  place.dataset.ok = String(result.ok);
  place.dataset.worst = String(result.worst);
}

function hashWords(certified, found) {
  if (!certified) return "No certificate names the file’s SHA-256.";
  if (found === null) return "The SHA-256 is not compared: this browser computes none on a page without HTTPS.";
  return found === certified ? "The SHA-256 is that of the certificate." : "The SHA-256 is not that of the certificate.";
}

/** Which axis of each input is that of the examples. */
function batchAxes(model) {
  return Object.fromEntries(model.inputs.map(({ name, shape }) => [name, shape.indexOf("batch")]));
}

function rowOf(context, row) {
  const axes = batchAxes(context.model);
  const entries = Object.entries(context.sample.inputs);
  return Object.fromEntries(entries.map(([name, each]) => [name, axes[name] < 0 ? each : example(each, row, axes[name])]));
}

function sampleRows(context) {
  const axes = batchAxes(context.model);
  const [name, each] = Object.entries(context.sample.inputs).find(([key]) => axes[key] >= 0) ?? [];
  return name === undefined ? 0 : each.dims[axes[name]];
}

/** Build the fields, and return what to do once the file is loaded. */
function tryIt(context) {
  const { model } = context;
  const place = at("try");
  if ("unavailable" in place.dataset) return { ready: async () => say("The file is loaded.") };
  const flow = FLOWS[model.flow];
  const answer = make("div", { id: "answer", "aria-live": "polite" });
  context.show = (element) => answer.replaceChildren(element);
  let timer = null;
  let [running, again] = [false, false];
  const run = async () => {
    if (!context.session || running) {
      again = running;
      return;
    }
    running = true;
    try {
      const given = input.read();
      if (given) {
        if (flow.act) say("Running…");
        const started = performance.now();
        context.show(await flow.run(given, context));
        say(`Answered in ${Math.round(performance.now() - started)} ms.`);
      }
    } catch (error) {
      answer.replaceChildren(); // the answer to what was there before would mislead
      say(error.message, true);
    }
    running = false;
    if (again) {
      again = false;
      await run();
    }
  };
  context.changed = () => {
    if (flow.act) return;
    clearTimeout(timer);
    timer = setTimeout(run, WAIT);
  };
  const input = INPUTS[model.signature.kind](context);
  context.settings = flow.settings?.(context);
  const rows = context.sample && input.load ? sampleRows(context) : 0;
  const buttons = Array.from({ length: rows }, (_, row) => {
    const inputs = rowOf(context, row);
    const each = button(`Example ${row + 1}`, () => {
      input.load(inputs);
      if (!flow.act) run();
    });
    if (input.thumbnail) each.prepend(input.thumbnail(inputs));
    return each;
  });
  place.append(
    ...(rows ? [make("div", { class: "row", role: "group", "aria-label": "Examples of the test split" }, ...buttons)] : []),
    input.element,
    ...(context.settings ? [context.settings.element] : []),
    ...(flow.act ? [make("div", { class: "row" }, button(flow.act, run))] : []),
    make("h3", {}, "Answer"),
    answer,
  );
  if (rows) input.load(rowOf(context, 0));
  return {
    ready: async () => {
      say(flow.act || !rows ? "The model is ready." : "");
      if (!flow.act && rows) await run();
    },
  };
}

start().catch((error) => {
  say(`The model cannot run in this browser: ${error.message}`, true);
  document.documentElement.dataset.failed = "";
}).finally(() => {
  document.documentElement.dataset.ready = "";
});
