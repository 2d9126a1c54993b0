// What a file that makes images takes, as `zoo.serving.noise.draw_noise` draws it.

import { Generator } from "./random.js";
import { size, tensor } from "./tensors.js";

/** Feeds of `count` images; `label` is the number of a class, or null for all in turn. */
export function drawNoise(model, { count, seed, label = null, guidance = null }) {
  const { signature } = model;
  const generator = new Generator(seed);
  const classes = Math.max(1, (signature.labels ?? []).length);
  const feeds = {};
  for (const { name } of model.inputs) {
    if (name === "label") {
      feeds[name] = tensor("int32", [count], Array.from({ length: count }, (_, i) => label ?? i % classes));
    } else if (name === "guidance") {
      feeds[name] = tensor("float32", [1], [guidance ?? signature.guidance ?? 1]);
    } else {
      const lead = name === "step_noise" ? [signature.steps ?? 1, count] : [count];
      const dims = [...lead, ...signature.shape.map((n) => n ?? 1)];
      feeds[name] = { type: "float32", dims, data: generator.normal(size(dims)) };
    }
  }
  return feeds;
}
