// A gallery's pages in headless Chromium: equal to their samples, small, quick to show, without requests elsewhere,
// usable on a phone, and without serious findings of axe-core. `benchmarks/gallery.py` runs it.
//
//   node gallery_in_browser.mjs SITE-URL MODULES CHROMIUM [PICTURES]
//
// MODULES is a folder whose node_modules has puppeteer-core and axe-core. Prints a line of JSON for each page.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, modules, chromium, pictures] = process.argv.slice(2);
const find = createRequire(path.join(path.resolve(modules), "package.json"));
const { default: puppeteer } = await import(pathToFileURL(find.resolve("puppeteer-core")));
const axe = fs.readFileSync(find.resolve("axe-core/axe.min.js"), "utf8");
const WAIT = 180_000; // milliseconds, of a page whose model is slow
const PHONE = 390; // pixels
const STROKES = {
  // fractions of the canvas
  0: [Array.from({ length: 33 }, (_, i) => [0.5 - 0.2 * Math.sin((i * Math.PI) / 16), 0.5 - 0.36 * Math.cos((i * Math.PI) / 16)])],
  1: [[[0.4, 0.24], [0.54, 0.12], [0.54, 0.88]]],
  7: [[[0.26, 0.15], [0.74, 0.15], [0.42, 0.88]], [[0.34, 0.5], [0.66, 0.5]]],
  4: [[[0.5, 0.1], [0.24, 0.6], [0.76, 0.6]], [[0.6, 0.4], [0.56, 0.9]]],
};

const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });

async function open(address, { width = 1280, dark = false } = {}) {
  const page = await browser.newPage();
  const seen = { bytes: 0, outside: [], problems: [] };
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  const client = await page.createCDPSession();
  await client.send("Network.enable");
  client.on("Network.loadingFinished", ({ encodedDataLength }) => (seen.bytes += encodedDataLength));
  page.on("request", (request) => {
    const place = request.url();
    if (!place.startsWith(url) && !/^(data|blob):/.test(place)) seen.outside.push(place);
  });
  page.on("workercreated", async (worker) => {
    worker.client.on("Network.requestWillBeSent", ({ request }) => {
      if (!request.url.startsWith(url) && !/^(data|blob):/.test(request.url)) seen.outside.push(request.url);
    });
    worker.client.on("Network.loadingFinished", ({ encodedDataLength }) => (seen.bytes += encodedDataLength));
    await worker.client.send("Network.enable").catch(() => {}); // the worker may have ended
  });
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && seen.problems.push(message.text()));
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("requestfailed", (request) => seen.problems.push(`failed: ${request.url()}`));
  await page.goto(address, { waitUntil: "load", timeout: WAIT });
  return { page, seen };
}

async function ready(page) {
  await page.waitForFunction(() => "ready" in document.documentElement.dataset, { timeout: WAIT });
}

async function paint(page) {
  const found = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  return (await page.waitForFunction(found, { timeout: 10_000 })).jsonValue();
}

async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html.slice(0, 120)}`);
}

async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Draw by pointer events; gives the class that the page answers. */
async function draw(page, strokes) {
  await page.evaluate(() => [...document.querySelectorAll("button")].find((each) => each.textContent === "Clear").click());
  await page.$eval("canvas.drawing", (canvas) => canvas.scrollIntoView({ block: "center" }));
  const edge = await (await page.$("canvas.drawing")).boundingBox();
  const at = ([x, y]) => [edge.x + x * edge.width, edge.y + y * edge.height];
  await page.evaluate(() => document.getElementById("answer").replaceChildren());
  for (const [first, ...rest] of strokes) {
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...at(point), { steps: 5 });
    await page.mouse.up();
  }
  await page.waitForFunction(() => document.querySelector("#answer .answer"), { timeout: WAIT });
  await new Promise((done) => setTimeout(done, 400)); // the last stroke's answer
  return page.$eval("#answer .answer", (each) => each.textContent);
}

/** Draw the 1 by keys alone; gives the class that the page answers. */
async function drawByKeys(page) {
  await page.evaluate(() => [...document.querySelectorAll("button")].find((each) => each.textContent === "Clear").click());
  await page.evaluate(() => document.getElementById("answer").replaceChildren());
  await page.focus("canvas.drawing");
  for (let i = 0; i < 18; i++) await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Space");
  for (let i = 0; i < 36; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector("#answer .answer"), { timeout: WAIT });
  return page.$eval("#answer .answer", (each) => each.textContent);
}

/** Press the button of a flow that has one, and wait for its answer. */
async function act(page) {
  const words = ["Translate", "Continue", "Make images"];
  const pressed = await page.evaluate((names) => {
    const found = [...document.querySelectorAll("button")].find((each) => names.includes(each.textContent));
    found?.click();
    return found?.textContent ?? null;
  }, words);
  if (pressed) await page.waitForFunction(() => /^Answered|^[^R]/.test(document.getElementById("status").textContent) && !document.getElementById("status").textContent.startsWith("Running"), { timeout: WAIT });
  return pressed;
}

async function examine(entry) {
  const { page, seen } = await open(`${url}${entry.name}/index.html`);
  await ready(page);
  const result = { page: entry.name, paint: await paint(page) };
  const check = await page.$("#check");
  result.ok = await check.evaluate((each) => each.dataset.ok ?? null);
  result.worst = await check.evaluate((each) => each.dataset.worst ?? null);
  result.check = await check.evaluate((each) => each.textContent);
  result.failed = await page.evaluate(() => "failed" in document.documentElement.dataset);
  result.pressed = await act(page);
  result.status = await page.$eval("#status", (each) => each.textContent);
  result.problem = await page.$eval("#status", (each) => each.classList.contains("problem"));
  result.answer = await page.$eval("#answer", (each) => each.textContent.slice(0, 160)).catch(() => null);
  result.axe = await findings(page);
  if (pictures) await page.screenshot({ path: path.join(pictures, `${entry.name}.png`), fullPage: true });
  if (entry.task === "image_classification" && (await page.$("canvas.drawing"))) {
    result.drawn = {};
    for (const [digit, strokes] of Object.entries(STROKES)) result.drawn[digit] = await draw(page, strokes);
    result.byKeys = await drawByKeys(page);
    if (pictures) await page.screenshot({ path: path.join(pictures, `${entry.name}-drawn.png`) });
  }
  await page.setViewport({ width: PHONE, height: 844 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  result.overflow = await overflow(page);
  result.axeDark = await findings(page);
  if (pictures) await page.screenshot({ path: path.join(pictures, `${entry.name}-phone.png`), fullPage: true });
  await page.close();
  return { ...result, ...seen };
}

const { page: list, seen } = await open(`${url}index.html`);
const first = { page: "index", paint: await paint(list), axe: await findings(list), ...seen };
if (pictures) await list.screenshot({ path: path.join(pictures, "index.png"), fullPage: true });
await list.setViewport({ width: PHONE, height: 844 });
first.overflow = await overflow(list);
console.log(JSON.stringify(first));
const { models } = await (await fetch(`${url}gallery.json`)).json();
for (const entry of models.filter((each) => each.runs)) {
  try {
    console.log(JSON.stringify(await examine(entry)));
  } catch (error) {
    console.log(JSON.stringify({ page: entry.name, error: String(error) }));
  }
}
await browser.close();
