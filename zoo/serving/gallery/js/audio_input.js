// A clip: opened, recorded, or of the sample. The file takes raw samples at its own rate.

import { button, chart, labelled, make } from "./dom.js";
import { tensor } from "./tensors.js";

const MAX_POINTS = 400; // of the picture of a clip

export function audioInput({ model, changed }) {
  const { sample_rate: rate, shape } = model.signature;
  const length = shape[0];
  let clip = null;
  const picture = make("div", {});
  const note = make("p", { class: "note" });

  const use = (samples, words) => {
    clip = new Float32Array(length);
    clip.set(samples.slice(0, length));
    const step = Math.max(1, Math.ceil(length / MAX_POINTS));
    const loudest = Array.from({ length: Math.ceil(length / step) }, (_, i) =>
      clip.slice(i * step, (i + 1) * step).reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0),
    );
    picture.replaceChildren(chart([{ name: "amplitude", values: loudest, start: 0, style: "first" }], { title: "The clip" }));
    note.textContent = words;
  };
  const decode = async (blob, name) => {
    try {
      const samples = await toSamples(await blob.arrayBuffer(), rate);
      const seconds = (samples.length / rate).toFixed(2);
      const own = (length / rate).toFixed(2);
      const fitted = samples.length === length ? "" : samples.length > length ? `, cut to ${own} s` : `, padded to ${own} s`;
      use(samples, `${seconds} s${fitted}`);
      changed();
    } catch (error) {
      note.textContent = `${name} cannot be opened: ${error.message}`;
    }
  };

  const file = make("input", { type: "file", accept: "audio/*" });
  file.addEventListener("change", () => file.files.length && decode(file.files[0], file.files[0].name));
  const element = make(
    "div",
    { class: "fields wide" },
    picture,
    note,
    make("div", { class: "row" }, button("Play", () => clip && play(clip, rate)), recorder(length / rate, decode, note)),
    labelled("Open a recording", file),
  );
  return {
    element,
    load: (inputs) => use(Object.values(inputs)[0].data, ""),
    read: () => (clip ? { feeds: { [model.inputs[0].name]: tensor("float32", [1, length], clip) } } : null),
  };
}

/** The samples of an encoded clip, its channels mixed to one, at another rate. */
async function toSamples(content, rate) {
  const decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(content); // resamples to the context's rate
  const mixed = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
    const samples = decoded.getChannelData(channel);
    for (let i = 0; i < mixed.length; i++) mixed[i] += samples[i] / decoded.numberOfChannels;
  }
  return mixed;
}

function play(samples, rate) {
  const context = new AudioContext();
  const sound = context.createBuffer(1, samples.length, rate);
  sound.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  source.buffer = sound;
  source.connect(context.destination);
  source.onended = () => context.close();
  source.start();
}

/** A button that records as long as the model listens. */
function recorder(seconds, decode, note) {
  if (!navigator.mediaDevices || !window.MediaRecorder) return null; // pages that are not secure have none
  return button("Record", async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const parts = [];
      const machine = new MediaRecorder(stream);
      machine.ondataavailable = ({ data }) => parts.push(data);
      machine.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        decode(new Blob(parts), "the recording");
      };
      machine.start();
      note.textContent = `recording ${seconds.toFixed(1)} s…`;
      setTimeout(() => machine.stop(), 1000 * seconds + 100);
    } catch (error) {
      note.textContent = `the microphone cannot be used: ${error.message}`;
    }
  });
}
