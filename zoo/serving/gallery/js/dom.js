// Elements and charts, made without markup from texts.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `make("p", { class: "note" }, "text", child)`; handlers are given as `onclick`. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

let count = 0;

/** A field under its name. */
export function labelled(name, field, note = "") {
  field.id ||= `field-${count++}`;
  const label = make("label", { for: field.id }, name);
  return make("div", { class: "field" }, label, field, note ? make("p", { class: "note" }, note) : null);
}

export function button(text, act) {
  return make("button", { type: "button", onclick: act }, text);
}

/** A number as a reader wants it. */
export function show(value) {
  if (!Number.isFinite(value)) return "no finite number";
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e6 || size < 1e-4) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
}

/** Bars of fractions, the largest first: pairs of a name and a number from 0 to 1. */
export function bars(pairs, most = 10) {
  const sorted = [...pairs].sort((a, b) => b[1] - a[1]);
  const rows = sorted.slice(0, most).map(([name, value]) => {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--part", `${Math.max(0, Math.min(1, value)) * 100}%`);
    return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, bar), make("td", {}, percent(value)));
  });
  const rest = sorted.length > most ? make("p", { class: "note" }, `${sorted.length - most} more, all below`) : null;
  return make("div", {}, make("table", { class: "bars" }, make("tbody", {}, ...rows)), rest);
}

export function percent(value) {
  return `${(value * 100).toFixed(1)}%`;
}

/**
 * A chart of lines over steps. `lines` has `{ name, values, start, style }` ("first", "second" or "quiet"), and `band`
 * is `{ lower, upper, start }`, of bounds.
 */
export function chart(lines, { title, band = null }) {
  const [width, height, edge] = [640, 240, 44];
  const all = [...lines.flatMap((line) => line.values), ...(band ? [...band.lower, ...band.upper] : [])];
  const finite = all.filter(Number.isFinite);
  if (!finite.length) return make("p", {}, "no finite numbers");
  let [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const steps = Math.max(...lines.map((line) => line.start + line.values.length), 2);
  const x = (step) => edge + ((width - edge - 8) * step) / (steps - 1);
  const y = (value) => 8 + ((height - 32) * (high - value)) / (high - low);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": title });
  for (const value of [low, (low + high) / 2, high]) {
    picture.append(svg("line", { class: "rule", x1: edge, x2: width - 8, y1: y(value), y2: y(value) }));
    picture.append(svg("text", { x: edge - 6, y: y(value) + 4, "text-anchor": "end" }, show(Number(value.toPrecision(3)))));
  }
  picture.append(svg("text", { x: edge, y: height - 4 }, "1"));
  picture.append(svg("text", { x: width - 8, y: height - 4, "text-anchor": "end" }, String(steps)));
  if (band) {
    const there = band.upper.map((value, i) => `${x(band.start + i)},${y(value)}`);
    const back = band.lower.map((value, i) => `${x(band.start + i)},${y(value)}`).reverse();
    picture.append(svg("polygon", { class: "band", points: [...there, ...back].join(" ") }));
  }
  for (const { values, start, style } of lines) {
    const points = values.map((value, i) => [x(start + i), y(value)]).filter(([, at]) => Number.isFinite(at));
    picture.append(svg("polyline", { class: `line ${style}`, points: points.map((point) => point.join(",")).join(" ") }));
    if (points.length <= 24)
      points.forEach(([cx, cy]) => picture.append(svg("circle", { class: `dot ${style}`, cx, cy, r: 3 })));
  }
  const keys = lines.map(({ name, style }) => make("li", { class: style }, name));
  if (band) keys.push(make("li", { class: "quiet" }, band.name));
  return make("figure", {}, picture, make("ul", { class: "keys" }, ...keys));
}
