// Whole sequences from a model's answers for one step, as `zoo.postprocessing` makes them.

import { Generator } from "./random.js";

export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** The logits with padding and the start token excluded. */
function allowed(logits, { padding, start }) {
  const kept = Float64Array.from(logits);
  kept[padding] = kept[start] = -Infinity;
  return kept;
}

/** Take the most probable token until the end token; `step` takes ids from the start token on and gives logits. */
export async function greedy(step, constants, { most = 256, onToken = () => {} } = {}) {
  const tokens = [constants.start];
  while (tokens.length <= most) {
    const chosen = argmax(allowed(await step(tokens), constants));
    if (chosen === constants.end) break;
    tokens.push(chosen);
    await onToken(tokens.slice(1));
  }
  return tokens.slice(1);
}

/** The distribution that tokens are drawn from: temperature, then the k most probable, then the nucleus of p. */
export function nextTokenProbabilities(logits, { temperature = 1, topK = null, topP = null } = {}) {
  const scaled = Float64Array.from(logits, (value) => value / temperature);
  const largest = scaled.reduce((a, b) => Math.max(a, b), -Infinity);
  let probabilities = scaled.map((value) => Math.exp(value - largest));
  const rescale = () => {
    const total = probabilities.reduce((a, b) => a + b, 0);
    probabilities = probabilities.map((value) => value / total);
  };
  rescale();
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  if (topK !== null) {
    order.slice(topK).forEach((id) => (probabilities[id] = 0));
    rescale();
  }
  if (topP !== null && topP < 1) {
    let before = 0;
    for (const id of order) {
      const own = probabilities[id];
      if (before >= topP) probabilities[id] = 0;
      before += own;
    }
    rescale();
  }
  return probabilities;
}

/** Continue a prompt by drawn tokens; gives the ids that were added. */
export async function sample(step, prompt, constants, { length, seed, onToken = () => {}, ...settings }) {
  const generator = new Generator(seed);
  const tokens = [...prompt];
  for (let i = 0; i < length; i++) {
    const probabilities = nextTokenProbabilities(allowed(await step(tokens), constants), settings);
    const noise = generator.gumbel(probabilities.length);
    const drawn = argmax(probabilities.map((value, id) => Math.log(value) + noise[id]));
    if (drawn === constants.end) break;
    tokens.push(drawn);
    await onToken(tokens);
  }
  return tokens.slice(prompt.length);
}

/** Merge repeated symbols, then remove the blanks (Graves et al. 2006). */
export function collapseCtc(path, blank = 0) {
  return path.filter((symbol, i) => symbol !== blank && symbol !== path[i - 1]);
}

/** The objects of the highest scores, as `zoo.postprocessing.boxes.top_detections` lists them. */
export function topDetections(boxes, scores, classes, { most = 100, threshold = 0.01 } = {}) {
  const found = [];
  for (let i = 0; i < scores.length; i++) {
    const cell = Math.floor(i / classes);
    if (scores[i] >= threshold && scores[i] > 0)
      found.push({ box: Array.from(boxes.subarray(4 * cell, 4 * cell + 4)), label: i % classes, score: scores[i] });
  }
  return found.sort((a, b) => b.score - a.score).slice(0, most);
}
