// Runs inside a page and returns what a reader would miss at this width: what sticks out of the window, text that is
// cut off without a way to scroll, and targets below 24 pixels (WCAG 2.2, 2.5.8; links within a line of text are exempt).
const found = [];
const width = document.documentElement.clientWidth;
const name = (element) => {
  const text = (element.textContent || element.value || "").trim().replace(/\s+/g, " ").slice(0, 40);
  return `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") || ""}"> "${text}"`;
};
const seen = (element) => {
  const style = getComputedStyle(element);
  return element.checkVisibility({ visibilityProperty: true }) && style.clipPath === "none"
    && !element.closest(".skip") && !hidden(element);
};
// Only readers of the screen hear it, it is shortened on purpose, or it can be scrolled to.
const hidden = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.clipPath !== "none") return true;
    if (at !== element && style.textOverflow === "ellipsis") return true;
    if (at !== element && /auto|scroll/.test(style.overflowX)) return true;
  }
  return false;
};
if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
for (const element of document.body.querySelectorAll("*")) {
  if (element.closest("svg") && element.tagName !== "svg") continue;
  if (!seen(element)) continue;
  const box = element.getBoundingClientRect();
  if (box.width === 0) continue;
  if (box.right > width + 1 || box.left < -1) found.push(`sticks out: ${name(element)}`);
  const style = getComputedStyle(element);
  if (element.matches("table") && box.right > element.parentElement.getBoundingClientRect().right + 1) found.push(`wider than its place: ${name(element)}`);
  if (element.matches("input, textarea, select")) {
    // What is typed scrolls by itself.
  } else if (/hidden|clip/.test(style.overflowX) && style.textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 1) {
    found.push(`cut off: ${name(element)}`);
  }
  // What is taller than its box lies over its neighbour.
  if (style.overflowX === "visible" && !element.matches("input, textarea, select") && style.display !== "inline" && element.children.length === 0
    && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1) {
    found.push(`spills: ${name(element)}`);
  }
  if (element.matches("a[href], button, input:not([type=hidden]), select, textarea, summary") && style.display !== "inline") {
    const target = element.closest("label") || element;
    const area = target.getBoundingClientRect();
    if (Math.round(area.height) < 24 || Math.round(area.width) < 24) found.push(`small target ${Math.round(area.width)}x${Math.round(area.height)}: ${name(element)}`);
  }
}
return found;
