// Charts answer to the pointer and to the arrow keys: the points there are marked, and said below the chart.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const HINT = "Point at a chart, or focus it and use the arrow keys.";
  const SAME_PLACE = 0.5; // distance along x at which points belong together

  function make(name, attributes, parent) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    parent.append(node);
    return node;
  }

  // A stop is what is shown at once: a point of a scatter plot, or all points at one x. Each is [line, index] pairs.
  function stops(lines) {
    const points = lines.flatMap((line, l) => line.x.map((x, i) => ({ x, y: line.y[i], at: [[l, i]] })));
    points.sort((a, b) => a.x - b.x);
    if (lines.some((line) => line.scattered)) return points;
    const found = [];
    for (const point of points) {
      const last = found.at(-1);
      if (last && point.x - last.x < SAME_PLACE) last.at.push(...point.at);
      else found.push(point);
    }
    return found;
  }

  function say(lines, stop, title) {
    const [first, index] = stop.at[0];
    const where = `${lines[first].x_label} ${lines[first].x_text[index]}`.trim();
    const name = (line) => line.label || line.y_label || title;
    const what = stop.at.map(([l, i]) => `${name(lines[l])} ${lines[l].y_text[i]}`.trim());
    return `${where}: ${what.join(", ")}`;
  }

  function answer(figure, number) {
    const data = figure.querySelector("script[type='application/json']");
    const svg = figure.querySelector("svg");
    if (!data || !svg) return;
    const lines = JSON.parse(data.textContent);
    const places = stops(lines);
    const isScattered = lines.some((line) => line.scattered);
    const readout = figure.querySelector(".readout");
    const title = (figure.querySelector("figcaption")?.textContent ?? "").toLowerCase();
    const layer = make("g", { class: "pointer", "aria-hidden": "true" }, svg);
    const rule = make("line", { y1: 0, y2: svg.viewBox.baseVal.height, class: "rule" }, layer);
    const dots = lines.map((line) => {
      const dot = make("circle", { r: 4 }, layer);
      dot.style.fill = line.color;
      return dot;
    });
    let place = 0;

    function show(wanted) {
      place = Math.max(0, Math.min(places.length - 1, wanted));
      const stop = places[place];
      layer.classList.add("shown");
      rule.setAttribute("x1", stop.x);
      rule.setAttribute("x2", stop.x);
      for (const dot of dots) dot.style.display = "none";
      for (const [l, i] of stop.at) {
        dots[l].style.display = "";
        dots[l].setAttribute("cx", lines[l].x[i]);
        dots[l].setAttribute("cy", lines[l].y[i]);
      }
      readout.textContent = say(lines, stop, title);
    }

    function hide() {
      layer.classList.remove("shown");
      readout.textContent = number === 0 ? HINT : "\u00a0"; // said once
    }

    svg.addEventListener("pointermove", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const distance = (stop) => Math.hypot(stop.x - at.x, isScattered ? stop.y - at.y : 0);
      let best = 0;
      places.forEach((stop, i) => {
        if (distance(stop) < distance(places[best])) best = i;
      });
      show(best);
    });
    svg.addEventListener("pointerleave", hide);
    figure.tabIndex = 0;
    figure.addEventListener("focus", () => show(place));
    figure.addEventListener("blur", hide);
    figure.addEventListener("keydown", (event) => {
      const moves = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: places.length - 1 };
      if (!(event.key in moves)) return;
      event.preventDefault();
      show(moves[event.key]);
    });
    hide();
  }

  document.querySelectorAll("figure.plot").forEach(answer);
  for (const region of document.querySelectorAll(".scroll")) {
    if (region.scrollWidth > region.clientWidth) region.tabIndex = 0; // the keyboard scrolls what has the focus
  }
})();
