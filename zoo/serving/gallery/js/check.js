// Is what the file answers here what it answered to its sample when it was certified?

import { size } from "./tensors.js";

export const ALLOWED = 1e-4; // difference of numbers, relative to the largest of the output

/** Run a file on its sample: `{ ok, worst, outputs: [{ name, ok, sentence }] }`; `worst` is relative to the scale. */
export async function checkSample(session, sample, model) {
  const found = await session.run(sample.inputs);
  const outputs = Object.entries(sample.outputs).map(([name, expected]) => compare(name, found[name], expected, model));
  const worst = Math.max(0, ...outputs.map((output) => output.relative ?? 0));
  return { ok: outputs.every((output) => output.ok), worst, outputs };
}

function compare(name, found, expected, { constants, tolerances }) {
  if (!found) return { name, ok: false, sentence: "missing" };
  if (found.dims.join() !== expected.dims.join())
    return { name, ok: false, sentence: `shape (${found.dims.join(", ")}), expected (${expected.dims.join(", ")})` };
  if (expected.type.startsWith("float")) return compareNumbers(name, found.data, expected.data, tolerances[name] ?? 0);
  if (expected.type === "uint8") return comparePixels(name, found.data, expected.data);
  const total = size(expected.dims);
  let changed = 0;
  for (let i = 0; i < total; i++) changed += found.data[i] !== expected.data[i];
  return { name, ok: changed <= constants.max_changed * total, sentence: `${changed} of ${total} differ` };
}

/** `tolerance` is that of a smaller file's certificate, as its own numbers are; 0 for others. */
function compareNumbers(name, found, expected, tolerance) {
  let [largest, scale, elsewhere] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(found[i]) !== Number.isFinite(expected[i])) elsewhere++;
    if (!Number.isFinite(expected[i])) continue;
    largest = Math.max(largest, Math.abs(found[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  if (elsewhere) return { name, ok: false, sentence: `${elsewhere} numbers are not finite in other places` };
  const relative = scale ? largest / scale : largest;
  const sentence = `largest difference ${largest.toExponential(1)}, ${relative.toExponential(1)} of the largest number`;
  return { name, ok: relative <= ALLOWED || largest <= tolerance, relative, sentence };
}

function comparePixels(name, found, expected) {
  let [largest, changed] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i] - expected[i]);
    largest = Math.max(largest, difference);
    changed += difference > 0;
  }
  return { name, ok: largest <= 1, sentence: `${changed} of ${expected.length} pixels differ, by at most ${largest}` };
}
