// Pixels of a model on canvases: enlarged without smoothing, with boxes and classes of pixels laid over them.

const LEAST_SIDE = 256; // of what is shown; smaller images are enlarged by a whole number
const OPACITY = 0.55; // of the colour laid over pixels of a class

/** A canvas of uint8 pixels `(height, width, 1 or 3)`, enlarged. */
export function picture(pixels, [height, width, channels], label, least = LEAST_SIDE) {
  const small = document.createElement("canvas");
  [small.width, small.height] = [width, height];
  small.getContext("2d").putImageData(imageData(pixels, [height, width, channels]), 0, 0);
  const times = Math.max(1, Math.ceil(least / Math.max(width, height)));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * times, height * times];
  if (label) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  } else canvas.setAttribute("aria-hidden", "true"); // what it shows is said beside it
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export function imageData(pixels, [height, width, channels]) {
  const data = new Uint8ClampedArray(4 * height * width);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = pixels[channels === 1 ? i : channels * i + c];
    data[4 * i + 3] = 255;
  }
  return new ImageData(data, width, height);
}

/** The RGB values 0 to 255 of numbers that lie anywhere, as reconstructions do: cut at both ends. */
export function asPixels(values) {
  return Uint8ClampedArray.from(values);
}

/** Draw outlines, names and scores on a canvas; boxes are ymin, xmin, ymax, xmax as fractions. */
export function drawBoxes(canvas, objects, labels, colors) {
  const pen = canvas.getContext("2d");
  pen.lineWidth = Math.max(2, Math.round(Math.max(canvas.width, canvas.height) / 160));
  pen.font = "14px system-ui, sans-serif";
  for (const { box, label, score } of [...objects].reverse()) {
    const [top, left, bottom, right] = box.map((value, i) => clip(value) * (i % 2 ? canvas.width : canvas.height));
    const color = colors[(label + 1) % colors.length];
    pen.strokeStyle = pen.fillStyle = css(color);
    pen.strokeRect(left, top, right - left, bottom - top);
    const text = `${labels[label]} ${score.toFixed(2)}`;
    const wide = pen.measureText(text).width + 8;
    const at = top >= 18 ? top - 18 : top;
    const from = Math.max(0, Math.min(left, canvas.width - wide));
    pen.fillRect(from, at, wide, 18);
    pen.fillStyle = isBright(color) ? "black" : "white";
    pen.fillText(text, from + 4, at + 14);
  }
}

function clip(value) {
  return Math.max(0, Math.min(1, value));
}

/** Lay the colour of its class over each pixel of a canvas; class 0 and ignored pixels stay as they are. */
export function drawMask(canvas, mask, [rows, columns], colors, ignored) {
  const pen = canvas.getContext("2d");
  const [tall, wide] = [canvas.height / rows, canvas.width / columns];
  pen.globalAlpha = OPACITY;
  for (let i = 0; i < rows * columns; i++) {
    if (mask[i] === 0 || mask[i] === ignored) continue;
    pen.fillStyle = css(colors[mask[i] % colors.length]);
    pen.fillRect((i % columns) * wide, Math.floor(i / columns) * tall, wide, tall);
  }
  pen.globalAlpha = 1;
}

export function css([red, green, blue]) {
  return `rgb(${red}, ${green}, ${blue})`;
}

function isBright([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128;
}
