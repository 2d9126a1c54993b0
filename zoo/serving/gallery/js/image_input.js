// Images: drawn, opened, or of the sample.

import { Drawing, style } from "./drawing.js";
import { button, labelled, make } from "./dom.js";
import { picture } from "./pictures.js";
import { size, tensor } from "./tensors.js";

const MAX_SIDE = 512; // of an opened image, where the model takes any size
const SCENES = new Set(["segmentation", "detection", "transcription", "multi_label"]); // are taken as they are drawn

export function imageInput({ model, sample, changed }) {
  const name = model.inputs[0].name;
  const shape = model.signature.shape;
  const seen = sample ? sampleImages(sample.inputs[name]) : [];
  const usual = [0, 1].map((axis) => shape[axis] ?? seen[0]?.dims[axis] ?? 64);
  const channels = shape[2] ?? 3;
  let current = null;
  const preview = make("div", { class: "preview" });
  const note = make("p", { class: "note" });

  const use = (pixels, dims, words) => {
    current = { pixels, dims };
    preview.replaceChildren(picture(pixels, dims, "What the model sees", 128));
    note.textContent = words;
  };

  let drawing = null;
  if (channels === 1 && shape[0] && shape[1]) {
    const look = seen.length ? style(seen.map((image) => image.pixels), usual) : { paper: 0, ink: 255, width: usual[0] / 10 };
    const fits = !SCENES.has(model.answers);
    drawing = new Drawing(usual, look, () => {
      if (drawing.isEmpty) return;
      use(drawing.pixels(fits), [...usual, 1], "");
      changed();
    });
  }

  const file = make("input", { type: "file", accept: "image/*" });
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    try {
      const opened = await decode(file.files[0], shape, channels);
      use(opened.pixels, opened.dims, opened.words);
      changed();
    } catch {
      note.textContent = `${file.files[0].name} is no image that this browser can open`;
    }
  });

  const element = make(
    "div",
    { class: "columns" },
    drawing
      ? make("div", {}, make("p", { class: "label" }, "Draw"), drawing.canvas, button("Clear", () => drawing.clear()))
      : null,
    make("div", {}, make("p", { class: "label" }, "What the model sees"), preview, note, labelled("Open an image", file)),
  );
  return {
    element,
    load(inputs) {
      const [image] = sampleImages(inputs[name]);
      use(image.pixels, image.dims, "");
    },
    thumbnail: (inputs) => picture(sampleImages(inputs[name])[0].pixels, sampleImages(inputs[name])[0].dims, "", 48),
    read() {
      if (!current) return null;
      return { feeds: { [name]: tensor("uint8", [1, ...current.dims], current.pixels) }, image: current };
    },
  };
}

function sampleImages({ dims, data }) {
  const each = size(dims.slice(1));
  return Array.from({ length: dims[0] }, (_, i) => ({ pixels: data.slice(i * each, (i + 1) * each), dims: dims.slice(1) }));
}

/** The pixels of an image file, in the size and the channels that the model takes. */
async function decode(blob, shape, channels) {
  const bitmap = await createImageBitmap(blob);
  const shrink = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const height = shape[0] ?? Math.max(1, Math.round(bitmap.height * shrink));
  const width = shape[1] ?? Math.max(1, Math.round(bitmap.width * shrink));
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "white"; // behind what is transparent
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(height * width * channels);
  for (let i = 0; i < height * width; i++) {
    const rgb = data.subarray(4 * i, 4 * i + 3);
    if (channels === 1) pixels[i] = Math.round(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
    else pixels.set(rgb, 3 * i);
  }
  const same = bitmap.width === width && bitmap.height === height;
  const words = same ? "" : `resized from ${bitmap.width} × ${bitmap.height} to ${width} × ${height}`;
  return { pixels, dims: [height, width, channels], words };
}
