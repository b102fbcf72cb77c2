// Shows every drawn page to a browser, light and dark, wide and narrow, and prints what is wrong with it:
//
//   node look.mjs DIRECTORY
//
// Accessibility (axe-core, every rule of WCAG 2.2 A and AA and its best practices; and that no two controls that do
// different things are called and described alike), layout shift, columns that stick out, and the keyboard: every control is reached by Tab, in the order of the document, and can be seen to have the focus.
// DIRECTORY holds `<name>.<language>.html` and the files that pages load at their paths. Exit code 1 with findings.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { Browser, TAB } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const directory = process.argv[2];
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };
const SIZES = [
  [1280, 900],
  [390, 844],
];
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:";
/** What a layout may shift, as `layout-shift` scores it. */
const MOST_SHIFT = 0.01;

/** Milliseconds: the script comes after the first paint, so that what it changes counts as a shift. */
const SCRIPT_DELAY = 60;

const findings = [];
const found = (page, where, what) => findings.push(`${page} (${where}): ${what}`);

/** The pages as the server sends them: under its policy, each file at its path. */
function serve() {
  const server = createServer(async (request, response) => {
    if (request.url.endsWith(".js")) await new Promise((resolve) => setTimeout(resolve, SCRIPT_DELAY));
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    try {
      const isBroken = path === "/broken.en.html";
      const body = isBroken ? BROKEN : readFileSync(join(directory, path));
      response.writeHead(200, {
        "cache-control": "no-store",
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        ...(isBroken ? {} : { "content-security-policy": POLICY }),
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** All that shifted since the page was asked for, once it has been painted. */
const shift = `() => new Promise((resolve) => {
  let sum = 0;
  const what = [];
  const add = (list) => {
    for (const entry of list.getEntries()) {
      sum += entry.value;
      for (const { node } of entry.sources) what.push(node?.outerHTML?.slice(0, 120) ?? node?.nodeName);
    }
  };
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve([sum, what.join(" | ")]), 30)));
})`;

const overflow = `() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return "";
  const wide = [...document.querySelectorAll("main *")].find((e) => e.getBoundingClientRect().right > width + 1);
  return "sticks out of the page: " + (wide ? wide.outerHTML.slice(0, 120) : "something");
}`;

/** Only colours differ between the schemes. */
const judge = `async (scheme) => {
  const options = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
  if (scheme === "dark") options.runOnly = ["color-contrast", "link-in-text-block"];
  const result = await axe.run(document, options);
  const why = (node) => node.any.concat(node.all, node.none).map((check) => check.message).join("; ");
  return result.violations.flatMap((rule) =>
    rule.nodes.map((node) => [rule.impact, rule.id, node.html.slice(0, 160), why(node)].join(" - ")));
}`;

/** What a control is called, how it is described and in which landmark it stands, against where it leads. */
const alike = `() => {
  document.querySelectorAll("details").forEach((e) => { e.open = true; });
  axe.setup(document);
  const text = (id) => document.getElementById(id)?.textContent ?? "";
  const said = (e) => [
    axe.commons.text.accessibleText(e),
    (e.getAttribute("aria-describedby") ?? "").split(" ").map(text).join(" "),
    e.closest("nav[aria-label]")?.getAttribute("aria-label") ?? "",
  ].join(" | ").replace(/\\s+/g, " ");
  const sent = (form) => [...form.elements].filter((e) => e.type === "hidden" && e.name !== "csrf_token").map((e) => e.name + "=" + e.value);
  const leads = (e) => e.href ?? e.dataset.copy ?? (e.form && e.type === "submit" ? [e.form.action, e.form.method === "post" ? "post" : "", e.value, ...sent(e.form)].join(" ").trim() : "");
  const seen = new Map();
  const faults = [];
  for (const e of document.querySelectorAll("a[href], button")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || !leads(e)) continue;
    const [name, to] = [said(e), leads(e)];
    if (seen.has(name) && seen.get(name) !== to) faults.push("is called like another that leads elsewhere: " + name + " (" + to + ")");
    seen.set(name, to);
  }
  axe.teardown();
  return faults;
}`;

/** Remembers what gets the focus, how that looks, and whether it can be seen. Tab begins at the top. */
const watch = `() => {
  document.activeElement.blur();
  const isReached = (e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0
    && !(e.type === "radio" && !e.checked && document.querySelector('input[type=radio]:checked[name="' + e.name + '"]'));
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")];
  window.wanted = all.filter(isReached);
  window.reached = [];
  const look = (e) => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor].join(); };
  const before = new Map(window.wanted.map((e) => [e, look(e)]));
  const start = document.createElement("span");
  start.tabIndex = -1;
  document.body.prepend(start);
  start.focus();
  start.remove();
  document.addEventListener("focusin", ({ target }) => {
    const box = target.getBoundingClientRect();
    const isSeen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    window.reached.push({ target, isSeen, isMarked: look(target) !== before.get(target) });
  });
  // Dates have several stops inside.
  return window.wanted.length + 7 * all.filter((e) => /^(date|time)/.test(e.type)).length;
}`;

const journey = `() => {
  const said = (e) => e.outerHTML.slice(0, 120);
  const faults = [];
  const order = window.reached.map((step) => step.target);
  const isFirst = ({ target }, at) => order.indexOf(target) === at;
  for (const e of window.wanted) if (!order.includes(e)) faults.push("is never reached by Tab: " + said(e));
  let last = -1;
  for (const { target, isSeen, isMarked } of window.reached.filter(isFirst)) {
    const at = window.wanted.indexOf(target);
    if (at < last) faults.push("comes too late: " + said(target));
    if (!isSeen) faults.push("has the focus where nobody sees it: " + said(target));
    if (!isMarked) faults.push("does not show that it has the focus: " + said(target));
    last = Math.max(last, at);
  }
  return faults;
}`;

async function byKeyboard(browser, page) {
  // Once more than there are controls: after the last one the browser itself has its turn.
  await browser.press(TAB.repeat((await browser.run(watch)) + 1));
  for (const fault of await browser.run(journey)) found(page, "keyboard", fault);
}

async function look(browser, base, page) {
  const isEnglish = page.endsWith(".en");
  const isGuide = page.startsWith("guide_");
  for (const [width, height] of SIZES) {
    await browser.size(width, height);
    await browser.scheme("light");
    await browser.goto(`${base}/${page}.html`);
    const [shifted, what] = await browser.run(shift);
    if (shifted >= MOST_SHIFT) found(page, width, `shifts by ${shifted}: ${what}`);
    const wide = await browser.run(overflow);
    if (wide) found(page, width, wide);
    // The other languages have the same markup and colours; their words are narrower or wider.
    if (!isEnglish && !isGuide && width !== SIZES[1][0]) continue;
    for (const scheme of isEnglish || isGuide ? ["light", "dark"] : ["light"]) {
      await browser.scheme(scheme);
      for (const fault of await browser.run(judge, scheme)) found(page, `${width} ${scheme}`, fault);
    }
    if (isEnglish && width === SIZES[0][0]) {
      await byKeyboard(browser, page);
      for (const fault of await browser.run(alike)) found(page, "names", fault);
    }
  }
}

/** The checks must be able to fail: on this page each of them has to. */
const BROKEN = `<!doctype html><html lang="en"><title>Broken</title><body><main><h1>Broken</h1>
<p style="color: #999; background: #aaa">Pale</p><input style="outline: none; width: 1400px"><a href="/" tabindex="1">x</a>
<ul><li id="one">One<li id="two">Two</ul><a href="/1" aria-describedby="one">Open</a> <a href="/2" aria-describedby="one">Open</a>
<a href="/3" aria-describedby="two">Open</a>
</main></body></html>`;

function mustFind(expected) {
  const missed = expected.filter((what) => !findings.some((finding) => finding.includes(what)));
  if (missed.length > 0) throw new Error(`the checks found no fault where there are some: ${missed}; only ${findings}`);
  findings.length = 0;
}

const pages = readdirSync(directory)
  .filter((name) => name.endsWith(".html"))
  .map((name) => name.slice(0, -".html".length));
if (pages.length === 0) throw new Error("there are no pages");
const server = await serve();
const browser = await Browser.open(process.env.TEST_CHROMEDRIVER ?? "chromedriver", process.env.TEST_CHROMIUM);
const base = `http://127.0.0.1:${server.address().port}`;
try {
  // No page goes on by itself while it is looked at.
  const source = `window.setInterval = () => 0; ${axe}`;
  await browser.command("Page.addScriptToEvaluateOnNewDocument", { source });
  await look(browser, base, "broken.en");
  mustFind(["color-contrast", "label", "sticks out", "does not show", "tabindex", "Open | One |  (http"]);
  for (const page of pages) await look(browser, base, page);
} finally {
  await browser.close();
  server.close();
}
for (const finding of findings) console.log(finding);
console.error(`${pages.length} pages were looked at`);
process.exitCode = findings.length === 0 ? 0 : 1;
