// @ts-check
/**
 * What the fault tests stand on: a stack that can be killed and be given another version, a network that
 * can be cut, Chromium behind that network, viewers that follow the stream with the client's own code,
 * and editors that remember what was acknowledged.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { WebSocket } from "ws";
import { ROOT } from "../../worker-shims/local/places.mjs";
import { CODE, startStack } from "../../worker-shims/local/stack.mjs";
import { Stream } from "../../worker-shims/live-client/src/stream.js";
import { Transport } from "../../worker-shims/live-client/src/transport.js";
import { platform } from "../worker/platform.mjs";
import { databaseOf, lock, take } from "./databases.mjs";
import { openProxy } from "./proxy.mjs";

const CHROMIUM = process.env.CHROMIUM_PATH ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** A page that has not caught up by then never will. */
const CATCH_UP_MS = 20_000;

/** How many edits each fault meets, and how often; a longer run by hand takes more. */
export const EDITS = Number(process.env.FAULT_EDITS ?? 24);
export const RUNS = Number(process.env.FAULT_RUNS ?? 1);

/** @typedef {Awaited<ReturnType<typeof openGround>>} Ground */
/** @typedef {import("playwright-core").Page} Page */

/** The two Workers in a folder of their own, so that another version reaches this stack alone. */
function copyOfCode() {
  const folder = mkdtempSync(join(tmpdir(), "hotplate-code-"));
  for (const part of CODE) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  return folder;
}

export async function openGround() {
  const code = copyOfCode();
  const stack = await startStack({ code });
  const { port } = new URL(stack.base);
  const proxy = await openProxy(Number(port));
  assert.ok(CHROMIUM, "no Chromium: set CHROMIUM_PATH");
  const browser = await chromium.launch({
    executablePath: CHROMIUM, args: [...FLAGS, `--host-resolver-rules=MAP *.localhost 127.0.0.1:${proxy.port}`],
  });
  const at = platform(stack);
  /** @type {{close(): void}[]} */
  const open = [];

  return {
    stack, proxy, browser, at,
    /** Another version of the Worker: as in production, its objects are replaced and their sockets closed. */
    deploy(/** @type {number} */ version) {
      appendFileSync(join(code, "src", "edge", "build", "index.js"), `\n// version ${version}\n`);
    },
    /** @param {string} app */
    editor: (app) => new Editor(at, app),
    /** @param {string} app @param {number} seq */
    viewer(app, seq) {
      const viewer = new Viewer(`ws://127.0.0.1:${proxy.port}/@live/socket`, `${app}--live.${stack.baseDomain}`, seq);
      open.push(viewer);
      return viewer;
    },
    /** A page of the app that shows its first content. @param {string} app @param {string} selector */
    async page(app, selector = "#root > *") {
      const page = await browser.newPage();
      await page.goto(`http://${app}--live.${stack.baseDomain}/`);
      await page.waitForSelector(selector);
      return page;
    },
    /** Every page is what a page that was opened just now is. @param {string} app @param {Page[]} pages @param {string} marker text of the last revision */
    async equalToFresh(app, pages, marker) {
      const fresh = await browser.newPage();
      await fresh.goto(`http://${app}--live.${stack.baseDomain}/`);
      await fresh.waitForFunction((text) => document.body.innerText.includes(text), marker, { timeout: CATCH_UP_MS });
      const until = performance.now() + CATCH_UP_MS;
      for (const page of pages) {
        for (;;) {
          // A page that loads anew has no window for a moment.
          const [is, expected] = await Promise.all([page, fresh].map((each) => each.evaluate(snapshot).catch(() => "null")));
          if (is === expected && is !== "null") break;
          if (performance.now() > until) assert.deepEqual(JSON.parse(is), JSON.parse(expected), "the page never became equal to a fresh one");
          await page.waitForTimeout(50);
        }
      }
      await fresh.close();
    },
    /** The room's own database. @param {string} app @param {boolean} [write] */
    database: (app, write) => databaseOf(stack.state, app, write),
    /** D1 has no apps and KV takes nothing, until what it answers is called. */
    loseStores() {
      const folder = (/** @type {string} */ part) => join(stack.state, "worker", "v3", part);
      const back = [take(folder("d1"), "apps"), lock(folder("kv"))];
      return () => back.splice(0).forEach((bring) => bring());
    },
    async close() {
      for (const viewer of open) viewer.close();
      await browser.close();
      await proxy.close();
      await stack.stop();
      rmSync(code, { recursive: true, force: true });
    },
  };
}

/** DOM, style sheets and executed modules of a page, without what people did in it; runs in it. */
function snapshot() {
  const root = document.querySelector("#root");
  const styles = [...document.querySelectorAll("style[data-hotplate-id]")].map((element) => element.textContent).sort();
  const modules = Reflect.get(window, "__hotplate__").executed();
  const overlay = document.querySelector("hotplate-overlay")?.shadowRoot?.textContent ?? null;
  return JSON.stringify({ dom: root?.innerHTML.replace(/<i>\d+<\/i>/g, ""), styles, overlay, modules: Object.fromEntries(Object.entries(modules).sort(([a], [b]) => (a < b ? -1 : 1))) });
}

/** @param {string} text */
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** Edits one app until each edit is acknowledged, and remembers them. */
export class Editor {
  /** @type {{revision: number, contents: Record<string, string>}[]} */
  acknowledged = [];
  /** Attempts that nobody answered. */
  unanswered = 0;
  /** What the tree must hold. @type {Map<string, string>} */
  tree = new Map();

  /** @param {ReturnType<typeof platform>} at @param {string} app */
  constructor(at, app) {
    this.at = at;
    this.app = app;
  }

  /**
   * @param {Record<string, string>} contents
   * @param {(answer: any) => boolean} [again] whether a refusal is tried again
   */
  async write(contents, again = ({ status }) => status >= 500) {
    const writes = Object.entries(contents).map(([path, content]) => ({ path, content }));
    for (;;) {
      const answer = await this.at.api("PATCH", `/v1/apps/${this.app}/files`, { json: { writes } }).catch(() => null);
      if (answer?.status === 200) {
        this.acknowledged.push({ revision: answer.json.revision, contents });
        for (const [path, content] of Object.entries(contents)) this.tree.set(path, content);
        return answer.json;
      }
      this.unanswered += 1;
      assert.ok(answer === null || again(answer), `the edit was refused: ${answer?.status} ${answer?.text}`);
      // What refuses connections does so at once; the next turn is soon enough.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Every acknowledged edit is in the history, and the tree is what the last ones made it. @param {Editor[]} [others] who wrote too */
  async verify(others = []) {
    const revisions = await history(this.at, this.app);
    const known = new Map(revisions.map((revision) => [revision.revision, revision]));
    assert.deepEqual([...known.keys()].sort((a, b) => b - a), Array.from({ length: known.size }, (_, index) => known.size - index), "revisions have no gaps");
    for (const { revision, contents } of this.acknowledged) {
      for (const [path, content] of Object.entries(contents)) {
        // An answer that was lost is given again as "nothing changed": the edit is at or before that revision.
        const written = [...known.values()].some((entry) => entry.revision <= revision && entry.changes.some((/** @type {any} */ change) => change.path === path && change.after?.hash === sha256(content)));
        assert.ok(written, `revision ${revision} lost ${path}`);
      }
    }
    const list = (await this.at.api("GET", `/v1/apps/${this.app}/files`)).json;
    const hashes = new Map(list.files.map((/** @type {any} */ file) => [file.path, file.hash]));
    for (const [path, content] of this.tree) {
      const candidates = [content, ...others.map((other) => other.tree.get(path))].filter((text) => text !== undefined);
      assert.ok(candidates.some((text) => sha256(String(text)) === hashes.get(path)), `${path} is not what was written last`);
    }
  }
}

/** @param {ReturnType<typeof platform>} at @param {string} app @returns {Promise<any[]>} */
async function history(at, app) {
  const all = [];
  for (let cursor = null; ; ) {
    const page = (await at.api("GET", `/v1/apps/${app}/revisions?limit=100${cursor === null ? "" : `&cursor=${cursor}`}`)).json;
    all.push(...page.revisions);
    cursor = page.cursor ?? null;
    if (cursor === null) return all;
  }
}

/** Follows the stream with the client's own transport and order, without a browser. */
export class Viewer {
  /** Numbers in the order in which they would be applied. @type {number[]} */
  applied = [];
  /** @type {any[]} */ updates = [];
  /** Numbers that came although they were known. */
  repeated = 0;
  gaps = 0;
  connections = 0;
  /** Codes of the room's closes. @type {number[]} */ closes = [];
  /** @type {string[]} */ reloads = [];
  #wake = () => {};

  /** @param {string} url @param {string} host @param {number} seq */
  constructor(url, host, seq) {
    this.first = seq;
    const stream = new Stream(seq);
    this.stream = stream;
    const viewer = this;
    class Socket extends WebSocket {
      /** @param {string} address */
      constructor(address) {
        super(address, { headers: { host } });
        viewer.connections += 1;
        // The transport hears of it as a close; the error itself is nobody's.
        this.on("error", () => {});
        this.on("close", (code) => viewer.closes.push(code));
      }
    }
    this.transport = new Transport({
      url,
      seq: () => stream.seq,
      onMessage: (message) => this.#receive(message),
      onState: () => {},
      WebSocket: /** @type {any} */ (Socket),
      delays: { first: 20, last: 500 },
    });
    this.transport.connect();
  }

  /** @param {any} message */
  #receive(message) {
    if (message.type === "reload") this.reloads.push(message.reason);
    if (message.type !== "update" && !(message.type === "reload" && message.seq !== undefined)) return;
    const place = stream(this.stream, message.seq);
    if (place === "known") this.repeated += 1;
    if (place === "gap") {
      this.gaps += 1;
      this.transport.resync();
    }
    if (place === "next") {
      this.transport.inOrder();
      this.applied.push(message.seq);
      this.updates.push(message);
      this.transport.send({ type: "applied", seq: message.seq, ms: 0, outcome: "hot" });
    }
    this.#wake();
  }

  /** @param {number} seq */
  async reaches(seq) {
    let expired = () => {};
    const timer = setTimeout(() => expired(), CATCH_UP_MS);
    while (this.stream.seq < seq) {
      await new Promise((resolve, reject) => {
        this.#wake = () => resolve(undefined);
        expired = () => reject(new Error(`the viewer is at ${this.stream.seq} and never reached ${seq}; ${JSON.stringify(this.closes)}`));
      });
    }
    clearTimeout(timer);
  }

  /** Everything once, in order. @param {number} last */
  verify(last) {
    assert.deepEqual(this.applied, Array.from({ length: last - this.first }, (_, index) => this.first + 1 + index), "every update once, in order");
    assert.deepEqual(this.reloads, []);
  }

  close() {
    this.transport.close();
  }
}

/** @param {Stream} at @param {number} seq */
const stream = (at, seq) => at.receive(seq);

const COMPONENT = (/** @type {string} */ name, /** @type {string} */ text) => `import { useState } from "react";
export function ${name}() {
  const [count, setCount] = useState(0);
  return <button id="${name}" onClick={() => setCount(count + 1)}>${name} ${text} <i>{count}</i></button>;
}
`;

/** A React app of two components and a sheet. */
export const reactApp = {
  "index.html": '<!doctype html><title>t</title><div id="root"></div><script type="module" src="/src/main.tsx"></script>',
  "package.json": JSON.stringify({ dependencies: { react: "19.3.1", "react-dom": "19.3.1" } }),
  "src/main.tsx": 'import { createRoot } from "react-dom/client";\nimport { App } from "./App";\ncreateRoot(document.getElementById("root")!).render(<App />);\n',
  "src/App.tsx": 'import { Left } from "./Left";\nimport { Right } from "./Right";\nimport "./app.css";\nexport function App() {\n  return <main><Left /><Right /></main>;\n}\n',
  "src/Left.tsx": COMPONENT("Left", "start"),
  "src/Right.tsx": COMPONENT("Right", "start"),
  "src/app.css": "main { color: rgb(0, 0, 0) }\n",
};

/** Edit number `n`: a component, the other one, the sheet, or both components at once. @param {number} n @returns {Record<string, string>} */
export function edit(n) {
  switch (n % 4) {
    case 0: return { "src/Left.tsx": COMPONENT("Left", `n${n}.`) };
    case 1: return { "src/app.css": `main { color: rgb(${n % 256}, 0, 0); order: ${n} }\n` };
    case 2: return { "src/Right.tsx": COMPONENT("Right", `n${n}.`) };
    default: return { "src/Left.tsx": COMPONENT("Left", `n${n}.`), "src/Right.tsx": COMPONENT("Right", `n${n}.`) };
  }
}

/** Writes edits `from` to `to` one after the other, and one that shows which is the last. @param {Editor} editor @param {number} from @param {number} to @param {(n: number) => Promise<void> | void} [before] */
export async function writeAll(editor, from, to, before = () => {}) {
  for (let n = from; n < to; n += 1) {
    await before(n);
    await editor.write(edit(n));
  }
  const last = await editor.write({ "src/Left.tsx": COMPONENT("Left", `last${to}.`) });
  return { seq: last.seq, marker: `last${to}.` };
}

export { COMPONENT };
