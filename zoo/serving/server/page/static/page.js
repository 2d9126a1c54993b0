// The page of `zoo serve`: a list of models, and for each a form made from what it takes. It asks this server alone.

const TOKEN = "zoo-token";
const MAX_BARS = 6; // probabilities that are shown at first
const MAX_PAD = 128; // pixels of an image's side up to which it can be drawn
const PAD = 280; // pixels of the longer side of the pad
const INK = 24; // brightness from which a pixel of the pad is ink

const $ = (id) => document.getElementById(id);

// === Elements ===

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list" && name !== "form") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const number = (value) => (value === null ? "none" : Number(value.toPrecision(6)).toString());
const pngUrl = (base64) => `data:image/png;base64,${base64}`;
const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

// === The server ===

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...options, headers });
  const body = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : {};
  if (answer.status === 401) $("token").hidden = false;
  if (!answer.ok) throw new Error(body.error || `the server answered ${answer.status}`);
  return body;
}

// === Lists of models ===

async function start() {
  let models;
  try {
    models = await ask("/models");
  } catch (error) {
    $("main").replaceChildren(make("p", { className: "wrong", role: "alert" }, error.message));
    return;
  }
  $("token").hidden = true;
  for (const link of document.querySelectorAll(".links .asked")) link.hidden = Boolean(sessionStorage.getItem(TOKEN));
  document.querySelector(".choice").hidden = models.length === 0;
  const tasks = [...new Set(models.map((model) => model.task))].sort();
  $("choice").replaceChildren(
    make("option", { value: "" }, "all"),
    ...tasks.map((task) =>
      make(
        "optgroup",
        { label: task },
        ...models.filter((m) => m.task === task).map((m) => make("option", { value: m.name }, m.name)),
      ),
    ),
  );
  $("choice").onchange = () => (location.hash = $("choice").value ? `#${encodeURIComponent($("choice").value)}` : "#");
  window.onhashchange = () => open(models, true);
  await open(models, false);
}

async function open(models, moves) {
  const name = decodeURIComponent(location.hash.slice(1));
  $("choice").value = name;
  document.title = name || "Models";
  const main = $("main");
  if (!name) {
    main.replaceChildren(models.length ? list(models) : make("p", {}, "No model is loaded."));
  } else {
    try {
      main.replaceChildren(page(await ask(`/models/${encodeURIComponent(name)}`)));
    } catch (error) {
      main.replaceChildren(make("p", { className: "wrong", role: "alert" }, error.message));
    }
  }
  if (moves) main.focus();
}

function list(models) {
  const item = (model) =>
    make(
      "li",
      {},
      make(
        "a",
        { href: `#${encodeURIComponent(model.name)}` },
        make("strong", {}, model.name),
        make("span", {}, model.task),
        make("span", {}, `takes ${model.takes}`),
        make("span", {}, model.labels ? `${model.labels} classes or symbols` : `gives ${model.gives.join(", ")}`),
      ),
    );
  return make("ul", { className: "models" }, ...models.map(item));
}

// === One model ===

function page(model) {
  const output = make("div", { "aria-live": "polite" }, make("p", { className: "note" }, "Nothing was asked yet."));
  const form = (FORMS[model.kind] || jsonForm)(model, output);
  return make(
    "div",
    {},
    make("h2", {}, model.name),
    make("p", { className: "note" }, `${model.task}: takes ${model.takes}, version ${model.version}`),
    make(
      "div",
      { className: "model" },
      make("section", { className: "panel" }, make("h3", {}, "Try it"), form),
      make("section", { className: "panel" }, make("h3", {}, "Answer"), output),
      make("section", { className: "panel wide" }, make("h3", {}, "What it takes and gives"), facts(model)),
      make("section", { className: "panel wide" }, make("h3", {}, "Certificate"), certificate(model)),
      make(
        "section",
        { className: "panel wide card" },
        make("h3", {}, "Card"),
        ...(model.card ? markdown(model.card) : [make("p", { className: "note" }, "No card.md is beside the file.")]),
      ),
    ),
  );
}

function pairs(entries) {
  return make("dl", {}, ...entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function facts(model) {
  const tensor = (each) => make("li", {}, make("code", {}, `${each.name} ${each.datatype} [${each.shape.join(", ")}]`));
  const columns = model.columns.map((column) => `${column.name} (${column.type})`).join(", ");
  const entries = [
    ["recipe", model.recipe || "not said"],
    ["file", `${Math.round(model.bytes / 1024).toLocaleString()} KB`],
    ["in words", model.media_types.length ? `POST /predict/${model.name}: ${model.media_types.join(", ")}` : `POST /sample/${model.name}`],
    ["as tensors", `POST /v2/models/${model.name}/infer`],
    ...(columns ? [["columns", columns]] : []),
    ...(model.target ? [["target", model.target]] : []),
    ...(model.labels.length ? [["classes or symbols", model.labels.join(", ")]] : []),
  ];
  return make(
    "div",
    {},
    pairs(entries),
    make(
      "details",
      {},
      make("summary", {}, "Tensors"),
      make("p", {}, "Inputs"),
      make("ul", {}, ...model.tensors.inputs.map(tensor)),
      make("p", {}, "Outputs"),
      make("ul", {}, ...model.tensors.outputs.map(tensor)),
    ),
  );
}

function certificate(model) {
  const found = model.certificate;
  if (!found) return make("p", { className: "note" }, "No certificate is beside the file.");
  const known = {
    max_abs_difference: "largest difference from Keras",
    tolerance: "allowed",
    label_flips: "labels that differ",
    samples: "examples compared",
    split: "of the split",
    sha256: "SHA-256",
    created: "created",
  };
  const entries = Object.entries(known).filter(([key]) => key in found);
  return make(
    "div",
    {},
    pairs(entries.map(([key, name]) => [name, typeof found[key] === "number" ? number(found[key]) : String(found[key])])),
    make(
      "details",
      {},
      make("summary", {}, "All of it"),
      make("pre", { tabIndex: 0 }, JSON.stringify(found, null, 2)),
    ),
  );
}

// === Asking ===

function asking(model, output, label, read, ...fields) {
  const button = make("button", { className: "main" }, label);
  const form = make("form", {}, ...fields, make("div", { className: "row" }, button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      output.replaceChildren(...(await read()));
    } catch (error) {
      output.replaceChildren(make("p", { className: "wrong", role: "alert" }, error.message));
    }
    button.disabled = false;
  });
  return form;
}

async function predict(model, body, type, seen = null) {
  const path = `/predict/${encodeURIComponent(model.name)}${model.draws ? "?pictures=true" : ""}`;
  const found = await ask(path, { method: "POST", headers: { "Content-Type": type }, body });
  const notes = found.notes.map((note) => make("p", { className: "note" }, note));
  return [...(seen ? [seen] : []), ...found.predictions.flatMap((row) => answer(row, model)), ...notes];
}

const predictJson = (model, value, seen = null) => predict(model, JSON.stringify(value), "application/json", seen);

function origin(model) {
  const words = { sample: "an example of the test split", training: "usual values of the training split", blank: "zeros" };
  return make("p", { className: "note" }, model.example ? `The form begins with ${words[model.example.origin]}.` : "");
}

// === Forms ===

function tableForm(model, output) {
  const row = model.example?.value || {};
  const inputs = new Map();
  const fields = model.columns.map((column) => {
    const isNumber = column.type === "number" && column.form === "number" && column.plain;
    const given = row[column.name] ?? column.usual ?? "";
    const input =
      column.type === "category" && column.choices.length
        ? make(
            "select",
            {},
            make("option", { value: "" }, "missing"),
            ...column.choices.map((choice) => make("option", { value: choice }, choice)),
          )
        : make("input", { type: "text", inputMode: isNumber ? "decimal" : "text", placeholder: "missing" });
    input.value = given;
    inputs.set(column, input);
    return make("label", {}, column.name, input);
  });
  const read = () => {
    const values = {};
    for (const [column, input] of inputs) {
      const parsed = column.type === "number" && column.form === "number" && column.plain ? Number(input.value) : NaN;
      values[column.name] = input.value.trim() === "" ? null : Number.isNaN(parsed) ? input.value : parsed;
    }
    return predictJson(model, [values]);
  };
  return asking(model, output, "Predict", read, make("div", { className: "fields" }, ...fields), origin(model));
}

function textForm(model, output) {
  const area = make("textarea", { value: model.example?.value ?? "", required: true });
  const read = () => predictJson(model, [area.value]);
  return asking(model, output, "Predict", read, make("label", {}, "Text", area), model.example ? origin(model) : null);
}

function numbersForm(model, output) {
  const value = model.example?.value ?? [];
  const isFlat = !Array.isArray(value[0]);
  const lines = isFlat ? [value.join(", ")] : value.map((row) => row.join(", "));
  const area = make("textarea", { value: lines.join("\n"), rows: 10, spellcheck: false });
  const cells = (line) => line.split(/[\s,;]+/).filter(Boolean).map((cell) => {
    const parsed = Number(cell);
    if (Number.isNaN(parsed)) throw new Error(`'${cell}' is no number`);
    return parsed;
  });
  const read = async () => {
    const rows = area.value.split("\n").filter((line) => line.trim()).map(cells);
    const example = isFlat ? rows.flat() : rows;
    return predictJson(model, [example]);
  };
  const names = model.columns.length ? `: ${model.columns.map((column) => column.name).join(", ")}` : "";
  const label = isFlat ? "Numbers" : `One step a line${names}`;
  return asking(model, output, "Predict", read, make("label", {}, label, area), origin(model));
}

function jsonForm(model, output) {
  const area = make("textarea", { value: JSON.stringify(model.example?.value ?? {}), rows: 12, spellcheck: false });
  const read = () => {
    let value;
    try {
      value = JSON.parse(area.value);
    } catch (error) {
      throw new Error(`no JSON: ${error.message}`);
    }
    return predictJson(model, value);
  };
  return asking(model, output, "Predict", read, make("label", {}, "JSON", area), origin(model));
}

function audioForm(model, output) {
  const player = make("audio", { controls: true, "aria-label": "the clip" });
  let clip = null;
  const take = (blob) => {
    clip = blob;
    player.src = URL.createObjectURL(blob);
  };
  const file = make("input", { type: "file", accept: "audio/*", onchange: () => file.files[0] && take(file.files[0]) });
  if (model.example) take(new Blob([bytesOf(model.example.value)], { type: "audio/wav" }));
  const read = () => {
    if (!clip) throw new Error("choose or record a clip first");
    return predict(model, clip, clip.type === "audio/x-wav" || !clip.type ? "audio/wav" : clip.type);
  };
  const record = navigator.mediaDevices ? make("button", { type: "button" }, "Record") : null;
  record?.addEventListener("click", async () => {
    try {
      record.disabled = true;
      take(await recording(model.sample_rate, Math.max(1, model.shape[0] / model.sample_rate), record));
    } catch (error) {
      output.replaceChildren(make("p", { className: "wrong", role: "alert" }, error.message));
    }
    record.textContent = "Record";
    record.disabled = false;
  });
  const row = make("div", { className: "row" }, make("label", {}, "Clip ", file), record);
  return asking(model, output, "Predict", read, row, player, model.example ? origin(model) : null);
}

async function recording(rate, seconds, button) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  button.textContent = `Recording ${number(seconds)} s`;
  setTimeout(() => recorder.stop(), 1000 * seconds);
  await ended;
  stream.getTracks().forEach((track) => track.stop());
  const decoded = await new AudioContext().decodeAudioData(await new Blob(parts).arrayBuffer());
  const offline = new OfflineAudioContext(1, Math.ceil(decoded.duration * rate), rate);
  const source = offline.createBufferSource();
  source.buffer = decoded;
  source.connect(offline.destination);
  source.start();
  return wav((await offline.startRendering()).getChannelData(0), rate);
}

function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  [[16, 4], [1, 2], [1, 2], [rate, 4], [2 * rate, 4], [2, 2], [16, 2]].reduce((at, [value, size]) => {
    if (size === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    return at + size;
  }, 16);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, 32767 * Math.max(-1, Math.min(1, value)), true));
  return new Blob([view], { type: "audio/wav" });
}

function samplerForm(model, output) {
  const count = make("input", { type: "number", min: 1, max: 64, value: 16, required: true });
  const seed = make("input", { type: "number", min: 0, max: 4294967295, value: 0, required: true });
  const label = make(
    "select",
    {},
    make("option", { value: "" }, "all in turn"),
    ...model.classes.map((name) => make("option", { value: name }, name)),
  );
  const guidance = make("input", { type: "number", min: 0, step: "any", value: model.guidance ?? "" });
  const fields = [
    make("label", {}, "Images", count),
    make("label", {}, "Seed", seed),
    model.classes.length ? make("label", {}, "Class", label) : null,
    model.guidance === null ? null : make("label", {}, "Guidance", guidance),
  ];
  const read = async () => {
    const asked = { count: Number(count.value), seed: Number(seed.value) };
    if (label.value) asked.label = label.value;
    if (model.guidance !== null && guidance.value !== "") asked.guidance = Number(guidance.value);
    const found = await ask(`/sample/${encodeURIComponent(model.name)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    const image = (png, i) => make("img", { className: "seen", src: pngUrl(png), alt: `image ${i + 1} of seed ${asked.seed}` });
    return [make("div", { className: "images" }, ...found.images.map(image))];
  };
  return asking(model, output, "Make images", read, make("div", { className: "fields" }, ...fields));
}

// === Images ===

function canvasOf(width, height) {
  return make("canvas", { width, height });
}

const blobOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

// Return a picture in the size that the model takes; each pixel is the mean of those that it covers.
function resized(picture, width, height) {
  const fine = canvasOf(8 * width, 8 * height);
  const pen = fine.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, fine.width, fine.height);
  const pixels = pen.getImageData(0, 0, fine.width, fine.height).data;
  const small = canvasOf(width, height);
  const means = new ImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const sums = [0, 0, 0];
      for (let i = 0; i < 64; i += 1) {
        const at = 4 * ((8 * y + (i >> 3)) * fine.width + 8 * x + (i & 7));
        for (let c = 0; c < 3; c += 1) sums[c] += pixels[at + c];
      }
      means.data.set([...sums.map((sum) => Math.round(sum / 64)), 255], 4 * (y * width + x));
    }
  }
  small.getContext("2d").putImageData(means, 0, 0);
  return small;
}

function imageForm(model, output) {
  const [height, width] = model.shape;
  const fits = (picture) => (!height || picture.height === height) && (!width || picture.width === width);
  const preview = make("img", { className: "seen input", alt: "the image that is sent", hidden: true });
  const note = make("p", { className: "note" });
  let image = null;
  let pad = null;
  const take = async (blob, isDrawn = false) => {
    const picture = await createImageBitmap(blob);
    const canBeSent = fits(picture) || !height || !width;
    image = canBeSent ? blob : await blobOf(resized(picture, width, height));
    note.textContent = canBeSent || isDrawn ? "" : `Resized here from ${picture.width}×${picture.height} to ${width}×${height}.`;
    preview.src = URL.createObjectURL(image);
    preview.hidden = false;
  };
  const file = make("input", {
    type: "file",
    accept: "image/*",
    onchange: () =>
      file.files[0] && take(file.files[0]).catch(() => (note.textContent = "The browser cannot read this image.")),
  });
  const draws = height && width && height <= MAX_PAD && width <= MAX_PAD;
  if (draws) pad = drawingPad(width, height, (canvas) => blobOf(canvas).then((blob) => take(blob, true)));
  if (model.example) {
    const blob = new Blob([bytesOf(model.example.value)], { type: "image/png" });
    take(blob).then(async () => pad?.setLight(await isDarkAtBorder(blob)));
  }
  const read = async () => {
    await pad?.settled();
    if (!image) throw new Error(draws ? "draw or choose an image first" : "choose an image first");
    const seen = model.draws ? null : make("img", { className: "seen input", src: preview.src, alt: "the image that was sent" });
    return predict(model, image, image.type || "image/png", seen);
  };
  const sent = make("div", { className: "row sent" }, preview);
  return asking(
    model, output, "Predict", read, pad?.element, make("div", { className: "row" }, make("label", {}, "Image ", file)),
    sent, note, model.example ? origin(model) : null,
  );
}

async function isDarkAtBorder(blob) {
  const picture = await createImageBitmap(blob);
  const canvas = canvasOf(picture.width, picture.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  const row = pen.getImageData(0, 0, picture.width, 1).data;
  return row.filter((_, i) => i % 4 === 0).reduce((sum, value) => sum + value, 0) / picture.width < 128;
}

// A pad for the pointer and the arrow keys; `changed` takes a canvas of the model's size after each stroke.
function drawingPad(width, height, changed) {
  const scale = PAD / Math.max(width, height);
  const canvas = make("canvas", {
    className: "pad", width: width * scale, height: height * scale, tabIndex: 0, role: "img",
    "aria-label": "Drawing pad. Draw with the pointer, or move with the arrow keys and lower or lift the pen with Space.",
  });
  canvas.style.setProperty("--ratio", `${width} / ${height}`);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const isScene = Math.max(width, height) > 32;
  const fitted = make("input", { type: "checkbox", checked: !isScene });
  const light = make("input", { type: "checkbox", checked: true });
  let [x, y, isDown, pending] = [canvas.width / 2, canvas.height / 2, false, Promise.resolve()];
  Object.assign(pen, { lineCap: "round", lineJoin: "round", strokeStyle: "#fff", lineWidth: isScene ? 10 : PAD / 9 });
  const clear = () => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  clear();
  const lineTo = (toX, toY) => {
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
    pen.stroke();
    [x, y] = [toX, toY];
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  const done = () => (pending = changed(drawn(canvas, width, height, fitted.checked, light.checked)));
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [x, y] = place(event);
    isDown = true;
    lineTo(x, y);
  });
  canvas.addEventListener("pointermove", (event) => isDown && lineTo(...place(event)));
  canvas.addEventListener("pointerup", () => {
    isDown = false;
    done();
  });
  canvas.addEventListener("pointercancel", () => (isDown = false));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (!step) isDown = !isDown;
    const to = step ? [x + (step[0] * PAD) / 20, y + (step[1] * PAD) / 20] : [x, y];
    if (isDown) lineTo(...to);
    else [x, y] = to;
    done();
  });
  for (const box of [fitted, light]) box.addEventListener("change", done);
  const button = make("button", { type: "button", onclick: () => { clear(); done(); } }, "Clear");
  const element = make(
    "div", {}, canvas,
    make("div", { className: "row" }, button, make("label", {}, fitted, " fit the drawing"), make("label", {}, light, " light on dark")),
  );
  return { element, settled: () => pending, setLight: (value) => (light.checked = value) };
}

// Return a drawing in the model's size; fitted, what was drawn fills the image, with a margin where there is room.
function drawn(canvas, width, height, fitted, light) {
  const sheet = canvasOf(canvas.width, canvas.height);
  const pen = sheet.getContext("2d");
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, sheet.width, sheet.height);
  const box = fitted ? inkBox(canvas) : null;
  if (box) {
    const room = width > 16 ? 5 / 7 : 1;
    const scale = room * Math.min(sheet.width / box.width, sheet.height / box.height);
    const [w, h] = [scale * box.width, scale * box.height];
    pen.drawImage(canvas, box.x, box.y, box.width, box.height, (sheet.width - w) / 2, (sheet.height - h) / 2, w, h);
  } else pen.drawImage(canvas, 0, 0);
  if (!light) {
    pen.globalCompositeOperation = "difference";
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, sheet.width, sheet.height);
  }
  return resized(sheet, width, height);
}

function inkBox(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [left, top, right, bottom] = [canvas.width, canvas.height, -1, -1];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] < INK) continue;
    const [x, y] = [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

const FORMS = {
  table: tableForm, text: textForm, array: numbersForm, tokens: numbersForm, audio: audioForm, image: imageForm,
  noise: samplerForm, series: jsonForm, graph: jsonForm,
};

// === Answers ===

function answer(row, model) {
  const { input, ...found } = row;
  if (Object.values(found).every((value) => value === null)) return [make("p", { className: "answer" }, "no finite answer")];
  const parts = Object.entries(ANSWERS).flatMap(([key, show]) => (key in found ? show(found, model) : []));
  return [...parts, make("details", {}, make("summary", {}, "As JSON"), make("pre", { tabIndex: 0 }, JSON.stringify(found, null, 1)))];
}

function say(text, isText = false) {
  return make("p", { className: isText ? "answer text" : "answer" }, text);
}

function bars(fractions) {
  const rows = Object.entries(fractions).sort((a, b) => b[1] - a[1]);
  const listed = (some) => {
    const items = some.map(([name, fraction]) => {
      const fill = make("i");
      fill.style.width = `${100 * fraction}%`;
      return make("li", {}, make("span", { className: "name" }, name), make("span", { className: "bar" }, fill), make("span", {}, `${(100 * fraction).toFixed(1)}%`));
    });
    return make("ul", { className: "bars" }, ...items);
  };
  if (rows.length <= MAX_BARS) return [listed(rows)];
  const rest = make("details", {}, make("summary", {}, `${rows.length - MAX_BARS} more`), listed(rows.slice(MAX_BARS)));
  return [listed(rows.slice(0, MAX_BARS)), rest];
}

function bounds(found, key) {
  const range = (low, high) => (low === undefined ? "" : ` (${number(low)} to ${number(high)})`);
  const value = found[key];
  if (typeof value === "number") return `${number(value)}${range(found.lower, found.upper)}`;
  return Object.keys(value).map((name) => `${name}: ${number(value[name])}${range(found.lower?.[name], found.upper?.[name])}`).join("\n");
}

function chart(values, lower, upper, name) {
  const [width, height, edge, left] = [480, 170, 8, 84];
  const all = [...values, ...(lower || []), ...(upper || [])];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (i) => left + (i / Math.max(1, values.length - 1)) * (width - left - edge);
  const y = (v) => height - 20 - ((v - low) / (high - low || 1)) * (height - 20 - edge);
  const points = (row) => row.map((v, i) => `${x(i)},${y(v)}`);
  const band = lower ? [svg("polygon", { class: "between", points: [...points(lower), ...points(upper).reverse()].join(" ") })] : [];
  return svg(
    "svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${name}: ${values.map(number).join(", ")}` },
    ...band,
    svg("polyline", { class: "after", points: points(values).join(" ") }),
    ...values.map((v, i) => svg("circle", { cx: x(i), cy: y(v), r: 2.5, fill: "currentColor" })),
    svg("text", { x: 2, y: y(high) + 4 }, number(high)), svg("text", { x: 2, y: y(low) + 4 }, number(low)),
    svg("text", { x: x(0), y: height - 4 }, "step 1"),
    svg("text", { x: x(values.length - 1), y: height - 4, "text-anchor": "end" }, `step ${values.length}`),
  );
}

function forecast(found) {
  const several = Array.isArray(found.forecast) ? { forecast: found.forecast } : found.forecast;
  const of = (part, name) => (Array.isArray(part) ? part : part?.[name]);
  return Object.entries(several).flatMap(([name, values]) => [
    say(values.map(number).join("  "), true),
    chart(values, of(found.lower, name), of(found.upper, name), name),
  ]);
}

const ANSWERS = {
  picture: (found) => [make("img", { className: "seen picture", src: pngUrl(found.picture), alt: "the image with what was found in it" })],
  label: (found) => [
    say(found.label),
    ...(found.unusual ? [make("p", { className: "wrong" }, "unlike the training examples")] : []),
    ...(found.prediction_set ? [make("p", { className: "note" }, `prediction set: ${found.prediction_set.join(", ") || "empty"}`)] : []),
  ],
  labels: (found) => [say(found.labels.join(", ") || "no label")],
  probabilities: (found) => bars(found.probabilities),
  value: (found) => [say(bounds(found, "value"))],
  forecast,
  objects: (found) => [
    say(found.objects.length ? found.objects.map((each) => each.label).join(", ") : "nothing found"),
    make("ul", {}, ...found.objects.map((each) => make("li", {}, `${each.label}: score ${each.score.toFixed(2)}, box ${each.box.map((v) => v.toFixed(2)).join(", ")}`))),
  ],
  shares: (found) => bars(Object.fromEntries(Object.entries(found.shares).filter(([, fraction]) => fraction > 0))),
  text: (found) => [say(found.text, true)],
  tokens: (found) => [say(found.tokens.join(" "), true)],
  tags: (found) => [say(found.tags.join(" "), true)],
  score: (found) => [make("p", {}, `score ${number(found.score)}`)],
  embedding: (found) => [make("p", { className: "note" }, `embedding of ${found.embedding.length} numbers`)],
};

// === Cards ===

// Return the elements of a card: headings, lists, tables, code and paragraphs of Markdown, without its front matter.
function markdown(text) {
  const lines = text.replace(/^---\n[\s\S]*?\n---\n/, "").split("\n");
  const found = [];
  const takeWhile = (test) => {
    const taken = [];
    while (lines.length && test(lines[0])) taken.push(lines.shift());
    return taken;
  };
  while (lines.length) {
    const line = lines[0];
    if (line.startsWith("```")) {
      lines.shift();
      found.push(make("pre", { tabIndex: 0 }, takeWhile((each) => !each.startsWith("```")).join("\n")));
      lines.shift();
    } else if (/^#{1,6} /.test(line)) found.push(make("h4", {}, ...inline(lines.shift().replace(/^#+ /, ""))));
    else if (line.startsWith("|")) found.push(tableOf(takeWhile((each) => each.startsWith("|"))));
    else if (/^[-*] /.test(line)) {
      const items = takeWhile((each) => /^[-*] |^ {2}\S/.test(each)).reduce((all, each) => (/^[-*] /.test(each) ? [...all, each.slice(2)] : [...all.slice(0, -1), `${all.at(-1)} ${each.trim()}`]), []);
      found.push(make("ul", {}, ...items.map((item) => make("li", {}, ...inline(item)))));
    } else if (line.trim()) {
      const rest = [lines.shift(), ...takeWhile((each) => each.trim() && !/^([-*] |\||#{1,6} |```)/.test(each))];
      found.push(make("p", {}, ...inline(rest.join(" "))));
    } else lines.shift();
  }
  return found;
}

function tableOf(lines) {
  const cells = (line) => line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  const [head, , ...rows] = lines.map(cells);
  const hasHead = head.some(Boolean);
  const line = (row, tag) => make("tr", {}, ...row.map((cell) => make(tag, {}, ...inline(cell))));
  return make("div", { className: "scroll", tabIndex: 0 }, make("table", {}, ...(hasHead ? [line(head, "th")] : []), ...rows.map((row) => line(row, "td"))));
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/).filter(Boolean).map((part) => {
    if (/^`.+`$/.test(part)) return make("code", {}, part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return make("strong", {}, part.slice(2, -2));
    const link = part.match(/^\[([^\]]+)\]\((https?:[^)]+)\)$/);
    return link ? make("a", { href: link[2], rel: "noreferrer" }, link[1]) : part.replace(/\\([\\_*`[\]|<>#~-])/g, "$1");
  });
}

$("token").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, $("token").querySelector("input").value);
  start();
});
start();
