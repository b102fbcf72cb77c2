// Signs in, allows a device and then an app, with nothing but the keyboard:
//
//   node keyboard.mjs
//
// Reads BASE, USERNAME, PASSWORD, USER_CODE and ASK (the address to which the app sends the person). Prints where the app was
// answered, and ends with 1 when the focus is not where a person needs it.
import { createServer } from "node:http";
import { Browser, ENTER, TAB } from "./browser.mjs";

const { BASE, USERNAME, PASSWORD, USER_CODE, ASK } = process.env;
const browser = await Browser.open(process.env.TEST_CHROMEDRIVER ?? "chromedriver", process.env.TEST_CHROMIUM);

/** The app: it listens where it wants its answer, and tells what came. */
const back = new URL(new URL(ASK).searchParams.get("redirect_uri"));
let arrived;
const answered = new Promise((resolve) => {
  arrived = resolve;
});
const app = createServer((request, response) => {
  response.end("Arrived");
  if (request.url.startsWith(back.pathname)) arrived(new URL(request.url, back).href);
});
app.listen(Number(back.port), back.hostname);

/** Waits until the page says so. */
async function until(what, condition) {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await browser.run(condition).catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not come: ${await browser.run("() => document.body.innerText")}`);
}

/** What has the focus has to be seen to have it. */
async function has(selector) {
  const state = await browser.run(`(selector) => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    const isMarked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [e.matches(selector), isMarked, e.outerHTML.slice(0, 120)];
  }`, selector);
  if (!state[0]) throw new Error(`${selector} should have the focus, not ${state[2]}`);
  if (!state[1]) throw new Error(`nobody sees that the focus is at ${state[2]}`);
}

/** Goes on by Tab until there; the whole page at the most. */
async function tabTo(selector) {
  for (let step = 0; step < 60; step += 1) {
    await browser.press(TAB);
    if (await browser.run(`(selector) => document.activeElement.matches(selector)`, selector)) return has(selector);
  }
  throw new Error(`Tab never comes to ${selector}`);
}

try {
  await browser.goto(`${BASE}/device`);
  await until("the sign-in form", `() => document.activeElement.name === "username"`);
  await browser.press(USERNAME + TAB);
  await has("input[name=password]");
  await browser.press(PASSWORD + ENTER);
  await until("the field for the code", `() => document.activeElement.name === "user_code"`);
  await browser.press(USER_CODE + ENTER);
  await until("the question", `() => document.querySelector("button[name=action][value=approve]") !== null`);
  // Who only presses Enter has allowed nothing: the decision is reached on purpose.
  await tabTo("button[name=action][value=approve]");
  await browser.press(ENTER);
  await until("the end", `() => document.querySelector("button[name=action]") === null && document.querySelector("h1") !== null`);
  await browser.goto(ASK);
  await until("the app's question", `() => document.querySelector("button[name=action][value=approve]") !== null`);
  await tabTo("button[name=action][value=approve]");
  await browser.press(ENTER);
  console.log(await answered);
} finally {
  await browser.close();
  app.close();
  app.closeAllConnections();
}
