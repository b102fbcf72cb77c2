// A browser by way of its driver (W3C WebDriver), with the few commands that the checks need.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** As WebDriver calls the keys. */
export const TAB = "\uE004";
export const ENTER = "\uE007";

/** A port that nobody uses now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Browser {
  /** Starts a driver of its own, and a browser without windows. */
  static async open(driver, chromium) {
    const port = await freePort();
    const child = spawn(driver, [`--port=${port}`], { stdio: "ignore" });
    const root = `http://127.0.0.1:${port}/session`;
    const options = { args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] };
    if (chromium) options.binary = chromium;
    const body = JSON.stringify({ capabilities: { alwaysMatch: { "goog:chromeOptions": options } } });
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const answer = await fetch(root, { method: "POST", body }).catch(() => undefined);
      if (answer?.ok) {
        const { value } = await answer.json();
        return new Browser(child, `${root}/${value.sessionId}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    child.kill();
    throw new Error("the driver does not answer");
  }

  constructor(child, session) {
    this.child = child;
    this.session = session;
  }

  async #send(path, body) {
    const answer = await fetch(`${this.session}/${path}`, { method: "POST", body: JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${value.message}`);
    return value;
  }

  goto(url) {
    return this.#send("url", { url });
  }

  /** Runs a function in the page; a promise is waited for. */
  run(script, ...args) {
    const wrapped = `const done = arguments[arguments.length - 1];
      Promise.resolve((${script})(...Array.from(arguments).slice(0, -1)))
        .then((value) => done({ value }), (error) => done({ error: String(error.stack ?? error) }));`;
    return this.#send("execute/async", { script: wrapped, args }).then(({ value, error }) => {
      if (error) throw new Error(error);
      return value;
    });
  }

  /** A command of the browser's own protocol. */
  command(cmd, params) {
    return this.#send("goog/cdp/execute", { cmd, params });
  }

  /** The size of the page in CSS pixels. */
  size(width, height) {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    return this.command("Emulation.setDeviceMetricsOverride", size);
  }

  /** `light` or `dark`; nothing moves, so that nothing is measured on its way. */
  scheme(value) {
    const features = [
      { name: "prefers-color-scheme", value },
      { name: "prefers-reduced-motion", value: "reduce" },
    ];
    return this.command("Emulation.setEmulatedMedia", { features });
  }

  /** Presses these keys, one after the other. */
  press(keys) {
    const actions = [...keys].flatMap((value) => [
      { type: "keyDown", value },
      { type: "keyUp", value },
    ]);
    return this.#send("actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  /** The browser ends with its session, the driver when it is told to. */
  async close() {
    await fetch(this.session, { method: "DELETE" }).catch(() => undefined);
    this.child.kill("SIGTERM");
  }
}
