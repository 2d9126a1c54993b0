// Runs a file in onnxruntime-web, away from the page, so that the page answers while it runs.
// One thread: several would need headers that a plain file server does not send.

import * as ort from "./ort.wasm.bundle.min.js";

ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = false;
ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", import.meta.url).href };
ort.env.logLevel = "error";

let session = null;

const TASKS = {
  async open(content) {
    session = await ort.InferenceSession.create(new Uint8Array(content), { executionProviders: ["wasm"] });
    return { inputs: session.inputNames, outputs: session.outputNames };
  },
  async run(feeds) {
    const given = Object.entries(feeds).map(([name, { type, dims, data }]) => [name, new ort.Tensor(type, data, dims)]);
    const found = await session.run(Object.fromEntries(given));
    const outputs = {};
    for (const [name, each] of Object.entries(found)) {
      outputs[name] = { type: each.type, dims: Array.from(each.dims), data: each.data };
    }
    return outputs;
  },
};

self.onmessage = async ({ data: { id, task, content } }) => {
  try {
    self.postMessage({ id, result: await TASKS[task](content) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
