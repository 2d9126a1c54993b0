// Strokes drawn by pen, finger or keys, and the pixels that a model gets of them.

const FINE = 8; // fine pixels to a side of one of the model's, which is their mean
const KEY_STEP = 0.02; // of the canvas, that an arrow key moves the pen
const NOISE = 4; // median deviations of the paper, beyond which a pixel is ink
const [MAX_HEIGHT, MAX_WIDTH] = [280, 560]; // of the canvas

/** What images of a sample look like: greys of paper and ink, width of strokes, and the size of what is drawn. */
export function style(images, [height, width]) {
  const seen = images.map((pixels) => separate(pixels, [height, width]));
  const light = seen.filter((each) => each.sign < 0);
  const usual = 2 * light.length > seen.length ? light : seen.filter((each) => each.sign > 0); // a canvas has one paper
  const boxes = seen.map(({ marks }) => box(marks, width, 0.25)).filter(Boolean);
  return {
    paper: Math.round(mean(usual.map((each) => each.paper))),
    ink: Math.round(mean(usual.map((each) => each.ink))),
    width: median(seen.map(({ marks }) => strokeWidth(marks, height, width))),
    fit: boxes.length && {
      height: mean(boxes.map((each) => each.bottom - each.top)),
      width: Math.max(...boxes.map((each) => each.right - each.left)),
    },
  };
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** The paper, which is the grey of the edge, and the ink of each pixel, 0 to 1, without the noise of the paper. */
function separate(pixels, [height, width]) {
  const isEdge = (i) => i < width || i >= (height - 1) * width || i % width === 0 || i % width === width - 1;
  const edge = Array.from(pixels).filter((_, i) => isEdge(i));
  const paper = median(edge);
  const noise = median(edge.map((value) => Math.abs(value - paper)));
  const darkest = pixels.reduce((a, b) => Math.min(a, b));
  const lightest = pixels.reduce((a, b) => Math.max(a, b));
  const sign = lightest - paper >= paper - darkest ? 1 : -1;
  const ink = sign > 0 ? lightest : darkest;
  const floor = NOISE * noise;
  const range = Math.max(1, Math.abs(ink - paper) - floor);
  const marks = Float32Array.from(pixels, (value) => Math.max(0, (value - paper) * sign - floor) / range);
  return { paper, ink, sign, marks };
}

/** The rectangle of the pixels with more than some ink. */
function box(marks, width, least) {
  let [top, left, bottom, right] = [Infinity, Infinity, -1, -1];
  marks.forEach((mark, i) => {
    if (mark <= least) return;
    const [y, x] = [Math.floor(i / width), i % width];
    [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y + 1), Math.min(left, x), Math.max(right, x + 1)];
  });
  return bottom < 0 ? null : { top, left, bottom, right };
}

/** Twice the ink over the length of its outline, which the sum of the differences of neighbours measures. */
function strokeWidth(marks, height, width) {
  let [area, outline] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = marks[y * width + x];
      area += here;
      outline += Math.abs(here - (x + 1 < width ? marks[y * width + x + 1] : 0));
      outline += Math.abs(here - (y + 1 < height ? marks[(y + 1) * width + x] : 0));
    }
  }
  return outline ? Math.max(1, (2 * area) / (outline * (Math.PI / 4))) : 1;
}

/** A canvas to draw on. `look` is what `style` returned; `changed` is called after each stroke. */
export class Drawing {
  constructor([height, width], look, changed) {
    Object.assign(this, { height, width, look, changed, strokes: [], key: null });
    const times = Math.max(1, Math.floor(Math.min(MAX_HEIGHT / height, MAX_WIDTH / width)));
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = [width * times, height * times];
    this.canvas.className = "drawing";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Draw here. Keys: arrows move the pen, space lowers and lifts it, Delete clears.");
    this.listen();
    this.show();
  }

  listen() {
    const at = (event) => {
      const edge = this.canvas.getBoundingClientRect();
      return [((event.clientX - edge.left) / edge.width) * this.width, ((event.clientY - edge.top) / edge.height) * this.height];
    };
    let drawing = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      drawing = event.pointerId;
      this.canvas.setPointerCapture?.(drawing);
      this.strokes.push([at(event)]);
      this.show();
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== drawing) return;
      this.strokes.at(-1).push(at(event));
      this.show();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, (event) => {
        if (event.pointerId !== drawing) return;
        drawing = null;
        this.changed();
      });
    }
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("blur", () => this.lift());
  }

  press(event) {
    const moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const move = moves[event.key];
    if (!move && ![" ", "Delete", "Backspace"].includes(event.key)) return;
    event.preventDefault();
    this.key ??= { at: [this.width / 2, this.height / 2], down: false };
    if (event.key === "Delete" || event.key === "Backspace") return this.clear();
    if (move) {
      const step = KEY_STEP * Math.max(this.width, this.height);
      this.key.at = this.key.at.map((value, i) => Math.max(0, Math.min([this.width, this.height][i], value + step * move[i])));
      if (this.key.down) this.strokes.at(-1).push(this.key.at);
    } else {
      this.key.down = !this.key.down;
      if (this.key.down) this.strokes.push([this.key.at]);
      else this.changed();
    }
    this.show();
  }

  lift() {
    if (this.key?.down) {
      this.key.down = false;
      this.changed();
    }
    this.key = null;
    this.show();
  }

  clear() {
    this.strokes = [];
    this.show();
    this.changed();
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  show() {
    const scale = this.canvas.width / this.width;
    const pen = this.canvas.getContext("2d");
    this.paint(pen, scale, [0, 0], this.look.width);
    if (this.key) {
      pen.strokeStyle = this.key.down ? "rgb(213, 94, 0)" : "rgb(0, 114, 178)";
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(this.key.at[0] * scale, this.key.at[1] * scale, (this.look.width * scale) / 2, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /** Draw the strokes; `scale` is fine pixels to a pixel of the model, `shift` is added before. */
  paint(pen, scale, shift, width, stretch = 1) {
    const grey = (value) => `rgb(${value}, ${value}, ${value})`;
    pen.fillStyle = grey(this.look.paper);
    pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
    pen.strokeStyle = grey(this.look.ink);
    pen.lineWidth = width * scale;
    pen.lineCap = pen.lineJoin = "round";
    for (const stroke of this.strokes) {
      pen.beginPath();
      const points = stroke.map(([x, y]) => [(x * stretch + shift[0]) * scale, (y * stretch + shift[1]) * scale]);
      points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]);
      pen.stroke();
    }
  }

  /** Pixels for the model; `fit` centres the drawing, in the size of what the sample shows. */
  pixels(fit) {
    const fine = new OffscreenCanvas(this.width * FINE, this.height * FINE);
    const { shift, stretch } = fit && this.look.fit ? this.placed() : { shift: [0, 0], stretch: 1 };
    this.paint(fine.getContext("2d", { willReadFrequently: true }), FINE, shift, this.look.width, stretch);
    const { data } = fine.getContext("2d").getImageData(0, 0, fine.width, fine.height);
    const pixels = new Uint8Array(this.width * this.height);
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        let total = 0;
        for (let v = 0; v < FINE; v++)
          for (let u = 0; u < FINE; u++) total += data[4 * ((y * FINE + v) * fine.width + x * FINE + u)];
        pixels[y * this.width + x] = Math.round(total / (FINE * FINE));
      }
    }
    return pixels;
  }

  placed() {
    const points = this.strokes.flat();
    if (!points.length) return { shift: [0, 0], stretch: 1 };
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const room = [this.look.fit.width - this.look.width, this.look.fit.height - this.look.width].map((n) => Math.max(1, n));
    const stretch = Math.min(room[0] / Math.max(0.1, right - left), room[1] / Math.max(0.1, bottom - top), 4);
    const shift = [this.width / 2 - (stretch * (left + right)) / 2, this.height / 2 - (stretch * (top + bottom)) / 2];
    return { shift, stretch };
  }
}
