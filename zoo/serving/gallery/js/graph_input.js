// A graph: that of the sample, drawn, and as JSON to be changed.

import { labelled, make, svg } from "./dom.js";
import { tensor } from "./tensors.js";

const ROUNDS = 150; // of the layout by forces
const MAX_DRAWN = 200; // nodes

export function graphInput(context) {
  const { signature, answers } = context.model;
  const features = signature.shape[1];
  const picture = make("div", { class: "graph" });
  const field = make("textarea", { rows: "8", spellcheck: "false", oninput: () => (draw(), context.changed()) });
  const form = `"nodes": a list of ${features} numbers for each, "edges": pairs of node numbers from 0, from one to the other`;
  const first = signature.task.startsWith("node") ? "; the answer is for node 0" : "";

  const parse = () => {
    let graph;
    try {
      graph = JSON.parse(field.value);
    } catch (error) {
      throw new Error(`no JSON: ${error.message}`);
    }
    const { nodes, edges } = graph;
    if (!Array.isArray(nodes) || !nodes.length || !Array.isArray(edges)) throw new Error("expected nodes and edges");
    const wrong = nodes.findIndex((node) => !Array.isArray(node) || node.length !== features || !node.every(Number.isFinite));
    if (wrong >= 0) throw new Error(`node ${wrong}: expected ${features} numbers`);
    const fits = (end) => Number.isInteger(end) && end >= 0 && end < nodes.length;
    const loose = edges.findIndex((edge) => !Array.isArray(edge) || edge.length !== 2 || !edge.every(fits));
    if (loose >= 0) throw new Error(`edge ${loose}: expected two of the ${nodes.length} nodes`);
    return { nodes, edges };
  };
  const draw = () => {
    try {
      picture.replaceChildren(drawGraph(parse(), signature.task.startsWith("node")));
    } catch {
      picture.replaceChildren();
    }
  };
  return {
    element: make(
      "div",
      { class: "fields wide" },
      picture,
      make("details", {}, make("summary", {}, "The graph as JSON"), labelled("Graph", field, form + first)),
    ),
    load({ nodes, edges }) {
      const rows = [];
      for (let i = 0; i < nodes.dims[1]; i++) {
        const row = Array.from(nodes.data.slice(i * features, (i + 1) * features));
        if (!row.every(Number.isNaN)) rows.push(row.map((value) => Number(value.toPrecision(7))));
      }
      const pairs = [];
      for (let i = 0; i < edges.dims[1]; i++) if (edges.data[2 * i] >= 0) pairs.push([edges.data[2 * i], edges.data[2 * i + 1]]);
      field.value = `{"nodes": [\n${rows.map((row) => JSON.stringify(row)).join(",\n")}],\n"edges": ${JSON.stringify(pairs)}}`;
      draw();
    },
    read() {
      if (!field.value) return null;
      const { nodes, edges } = parse();
      const pairs = edges.length ? edges : [[-1, -1]]; // padding: a graph without edges has one such row
      return {
        feeds: {
          nodes: tensor("float32", [1, nodes.length, features], nodes.flat()),
          edges: tensor("int32", [1, pairs.length, 2], pairs.flat()),
        },
        nodes: nodes.length,
        answers,
      };
    },
  };
}

function drawGraph({ nodes, edges }, marksFirst) {
  if (nodes.length > MAX_DRAWN) return make("p", { class: "note" }, `${nodes.length} nodes and ${edges.length} edges, too many to draw`);
  const places = layout(nodes.length, edges);
  const name = `A graph of ${nodes.length} nodes and ${edges.length} edges`;
  const picture = svg("svg", { viewBox: "0 0 400 300", class: "chart", role: "img", "aria-label": name });
  for (const [from, to] of edges) {
    const [[x1, y1], [x2, y2]] = [places[from], places[to]];
    picture.append(svg("line", { class: "edge", x1, y1, x2, y2 }));
  }
  places.forEach(([cx, cy], i) =>
    picture.append(svg("circle", { class: marksFirst && i === 0 ? "dot second" : "dot first", cx, cy, r: marksFirst && i === 0 ? 7 : 4 })),
  );
  return make("figure", {}, picture, make("figcaption", { class: "note" }, name + (marksFirst ? "; the answer is for the marked node" : "")));
}

/** Places by forces between nodes (Fruchterman and Reingold 1991), from a circle. */
function layout(count, edges) {
  const places = Array.from({ length: count }, (_, i) => [Math.cos((2 * Math.PI * i) / count), Math.sin((2 * Math.PI * i) / count)]);
  const ideal = 1.6 / Math.sqrt(count);
  for (let round = 0; round < ROUNDS; round++) {
    const forces = places.map(() => [0, 0]);
    const push = (i, j, strength) => {
      const [dx, dy] = [places[i][0] - places[j][0], places[i][1] - places[j][1]];
      const distance = Math.max(0.01, Math.hypot(dx, dy));
      const force = strength(distance) / distance;
      forces[i][0] += dx * force;
      forces[i][1] += dy * force;
      forces[j][0] -= dx * force;
      forces[j][1] -= dy * force;
    };
    for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) push(i, j, (d) => (ideal * ideal) / d);
    for (const [i, j] of edges) if (i !== j) push(i, j, (d) => (-d * d) / ideal / 2);
    const heat = 0.1 * (1 - round / ROUNDS);
    places.forEach((place, i) => {
      const long = Math.hypot(...forces[i]) || 1;
      place[0] += (forces[i][0] / long) * Math.min(long, heat);
      place[1] += (forces[i][1] / long) * Math.min(long, heat);
    });
  }
  const scale = (axis, low, high) => {
    const values = places.map((place) => place[axis]);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return (value) => (most > least ? low + ((high - low) * (value - least)) / (most - least) : (low + high) / 2);
  };
  const [x, y] = [scale(0, 12, 388), scale(1, 12, 288)];
  return places.map((place) => [x(place[0]), y(place[1])]);
}
