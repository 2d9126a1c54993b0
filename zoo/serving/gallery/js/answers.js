// What the outputs of a file say, for each kind of task: functions from outputs to an element.

import { argmax, collapseCtc, topDetections } from "./decoding.js";
import { bars, chart, make, percent, show } from "./dom.js";
import { asPixels, drawBoxes, drawMask, picture } from "./pictures.js";
import { numbers } from "./tensors.js";

const MAX_NUMBERS = 64; // of an embedding that are listed

const headline = (text) => make("p", { class: "answer" }, text);

/** Texts, or the names at the places that a file without texts gives. */
function named(each, names) {
  return each.type === "string" ? each.data : numbers(each).map((place) => names[place]);
}

function classes({ probabilities, label, prediction_set: set, ood_score: score, unusual }, given, { model }) {
  const { labels } = model.signature;
  const parts = [headline(named(label, labels)[0]), bars(labels.map((name, i) => [name, probabilities.data[i]]))];
  if (set) parts.push(make("p", {}, `One of: ${labels.filter((_, i) => set.data[i]).join(", ") || "none"}`));
  if (score && model.ood_threshold !== null) {
    const isUnusual = unusual ? Boolean(unusual.data[0]) : score.data[0] > model.ood_threshold;
    parts.push(make("p", {}, `${isUnusual ? "Unusual" : "As usual"}: out-of-distribution score ${show(score.data[0])}`));
  }
  return make("div", {}, ...parts);
}

function labelSets({ probabilities, label_set: set }, given, { model }) {
  const { labels } = model.signature;
  const has = (i) => (set ? set.data[i] : probabilities.data[i] >= model.constants.label_threshold);
  const found = labels.filter((_, i) => has(i));
  return make("div", {}, headline(found.join(", ") || "none"), bars(labels.map((name, i) => [name, probabilities.data[i]])));
}

function targets({ signature }) {
  return signature.targets?.length ? signature.targets : [signature.target || "value"];
}

function values({ value, lower, upper }, given, { model }) {
  const lines = targets(model).map((name, i) => {
    const bounds = lower ? ` (${show(lower.data[i])} to ${show(upper.data[i])})` : "";
    return headline(`${name}: ${show(value.data[i])}${bounds}`);
  });
  return make("div", {}, ...lines);
}

function forecasts({ forecast, lower, upper }, { history }, { model }) {
  const names = targets(model);
  const column = (each, i) => (each ? Array.from(each.data).filter((_, at) => at % names.length === i) : null);
  const charts = names.map((name, i) => {
    const past = history[i];
    const ahead = column(forecast, i);
    const lines = [
      { name: "given", values: past, start: 0, style: "first" },
      { name: "forecast", values: ahead, start: past.length, style: "second" },
    ];
    const start = past.length;
    const band = lower ? { name: "interval", lower: column(lower, i), upper: column(upper, i), start } : null;
    return make("div", {}, headline(`${name}: ${ahead.map(show).join("  ")}`), chart(lines, { title: `Forecast of ${name}`, band }));
  });
  return make("div", {}, ...charts);
}

function tokens({ logits, tags }, given, { model }) {
  if (tags) return headline(named(tags, ["", ...(model.signature.labels ?? []).slice(1)]).filter(Boolean).join(" "));
  const width = logits.dims[2];
  const names = model.signature.labels ?? [];
  const best = Array.from({ length: logits.dims[1] }, (_, i) => argmax(logits.data.subarray(i * width, (i + 1) * width)));
  return headline(best.map((id) => names[id] ?? id).join(" "));
}

function transcription({ probabilities, tokens: symbols }, given, { model }) {
  const path = symbols ? numbers(symbols).filter(Boolean) : collapseCtc(bestPath(probabilities));
  return headline(path.map((id) => model.signature.labels[id]).join("") || "nothing read");
}

/** The most probable class of each step, in files whose graph does not collapse them. */
function bestPath({ data, dims: [, steps, width] }) {
  return Array.from({ length: steps }, (_, i) => argmax(data.subarray(i * width, (i + 1) * width)));
}

function masks({ probabilities, mask }, { image }, { model }) {
  const { labels } = model.signature;
  const [, rows, columns, width] = probabilities.dims;
  const found = numbers(mask);
  const padding = model.constants.ignored_pixel;
  for (let i = 0; i < rows * columns; i++) {
    if (!probabilities.data.subarray(i * width, (i + 1) * width).some((value) => value > 0)) found[i] = padding;
  }
  const canvas = picture(image.pixels, image.dims, "The image, with the class of each pixel");
  drawMask(canvas, found, [rows, columns], model.colors, padding);
  const counted = found.filter((label) => label !== padding);
  const fractions = labels.map((name, i) => [name, counted.filter((label) => label === i).length / Math.max(1, counted.length)]);
  const seen = fractions.filter(([, part], i) => part > 0 && i > 0).map(([name, part]) => `${name} ${percent(part)}`);
  return make("div", {}, canvas, headline(seen.join(", ") || `only ${labels[0]}`), bars(fractions.filter(([, part]) => part > 0)));
}

function objects(outputs, { image }, { model }) {
  const { labels } = model.signature;
  const found = detections(outputs, labels.length).filter(({ score }) => score >= model.constants.min_listed_score);
  const canvas = picture(image.pixels, image.dims, "The image, with the objects that were found");
  drawBoxes(canvas, found, labels, model.colors);
  const list = found.map(({ label, score }) => make("li", {}, `${labels[label]}, score ${score.toFixed(2)}`));
  return make("div", {}, canvas, found.length ? make("ol", {}, ...list) : headline("nothing found"));
}

/** The best objects: as the graph lists them, or, in earlier files, out of all places. */
function detections({ boxes, scores, labels, count }, classes) {
  if (!labels) return topDetections(boxes.data, scores.data, classes);
  return Array.from({ length: Number(count.data[0]) }, (_, i) => ({
    box: Array.from(boxes.data.subarray(4 * i, 4 * i + 4)),
    label: Number(labels.data[i]),
    score: scores.data[i],
  }));
}

function reconstruction({ reconstruction: made, score, embedding, abnormal }, given, { model }) {
  const parts = [];
  const { threshold, labels } = model.signature;
  if (model.answers === "anomaly" && threshold != null) {
    const note = `score ${show(score.data[0])}, abnormal above ${show(threshold)}`;
    parts.push(headline(labels[Number(abnormal ? abnormal.data[0] : score.data[0] > threshold)]), make("p", {}, note));
  } else parts.push(make("p", {}, `Error of the reconstruction: ${show(score.data[0])}`));
  const scale = made.data.some((value) => value > 2) ? 1 : 255; // of pixels, or fractions of white
  const pixels = asPixels(made.data.map((value) => value * scale));
  parts.push(make("figure", {}, picture(pixels, made.dims.slice(1), "The reconstruction", 128), make("figcaption", {}, "Reconstruction")));
  return make("div", {}, ...parts, embeddings({ embedding }));
}

function embeddings({ embedding }) {
  const shown = Array.from(embedding.data.subarray(0, MAX_NUMBERS));
  const more = embedding.data.length - shown.length;
  return make(
    "details",
    {},
    make("summary", {}, `Embedding, ${embedding.data.length} numbers`),
    make("p", { class: "mono" }, shown.map(show).join("  ") + (more ? ` and ${more} more` : "")),
  );
}

export const ANSWERS = {
  classification: classes,
  multi_label: labelSets,
  regression: values,
  forecasting: forecasts,
  tokens,
  transcription,
  segmentation: masks,
  detection: objects,
  reconstruction,
  anomaly: reconstruction,
  representation: embeddings,
};
