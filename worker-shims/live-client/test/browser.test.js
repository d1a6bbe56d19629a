/**
 * The built client in Chromium, with the real react and react-dom in a hand-made vendor chunk: state
 * survives edits, errors show and go, and a page that was cut off catches up.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { WebSocketServer } from "ws";
import { esm, style } from "./world.js";

const require = createRequire(import.meta.url);
const CHROMIUM = process.env.CHROMIUM_PATH ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const skip = CHROMIUM ? false : "no Chromium on this machine";

const PACKAGES = {
  "npm:react": ["react/cjs/react.development.js", {}],
  "npm:react-dom": ["react-dom/cjs/react-dom.development.js", { react: "npm:react" }],
  "npm:scheduler": ["scheduler/cjs/scheduler.development.js", {}],
  "npm:react-dom/client": ["react-dom/cjs/react-dom-client.development.js", { react: "npm:react", "react-dom": "npm:react-dom", scheduler: "npm:scheduler" }],
};

/** Internal files are not among a package's exports. @param {string} path */
function packageFile(path) {
  const [name, ...rest] = path.split("/");
  const from = name === "scheduler" ? createRequire(require.resolve("react-dom/package.json")) : require;
  return readFileSync(new URL(rest.join("/"), `file://${from.resolve(`${name}/package.json`)}`), "utf8").replaceAll("process.env.NODE_ENV", '"development"');
}

function vendorChunk() {
  return Object.entries(PACKAGES)
    .map(([id, [path, deps]]) => `__hotplate__.define(${JSON.stringify(id)}, { kind: "cjs", run(module, exports, require, h) {\n${packageFile(/** @type {string} */ (path))}\n} }, ${JSON.stringify(deps)});`)
    .join("\n");
}

/** @param {string} label */
const counter = (label) =>
  esm({
    imports: ["npm:react"],
    refresh: true,
    exports: { Counter: "Counter" },
    head: `var _s = h.signature();
      function Counter() { _s(); const [n, set] = (0, _0.useState)(0); return (0, _0.createElement)("button", { id: "count", className: "c", onClick: () => set(n + 1) }, ${JSON.stringify(label)} + n); }
      _s(Counter, "useState{n(0)}");`,
    body: 'var _c = Counter; h.register(_c, "Counter");',
  });
/** @param {string} title */
const app = (title) =>
  esm({
    imports: ["npm:react", "/src/Counter.tsx"],
    refresh: true,
    exports: { default: "App" },
    head: `function App() { return (0, _0.createElement)("main", null, (0, _0.createElement)("h1", null, ${JSON.stringify(title)}), (0, _0.createElement)(_1.Counter)); }`,
    body: 'var _c = App; h.register(_c, "App");',
  });
const main = esm({
  imports: ["npm:react", "npm:react-dom/client", "/src/App.tsx", "/src/index.css"],
  body: '(0, _1.createRoot)(document.getElementById("root")).render((0, _0.createElement)(_0.StrictMode, null, (0, _0.createElement)(_2.default)));',
});

/** @param {string} code */
const deps = (code) => Object.fromEntries([...code.matchAll(/"(\/src\/[\w./]+|npm:[\w./-]+)"/g)].map(([, id]) => [id, id]));

const HTML = `<!doctype html><head><script src="/@live/client.js"></script>
<script>__hotplate__.configure({ app: "demo", seq: 0, revision: 0, registry: "/@live/registry.js?seq=0", vendor: { phase: "ready", key: "k", url: "/@vendor/k.js" }, env: {} })</script>
</head><body><div id="root"></div><script type="module">__hotplate__.start("/src/main.tsx")</script></body>`;

/** @type {any} */
const stack = {};

before(async () => {
  if (skip) return;
  const here = fileURLToPath(new URL("..", import.meta.url));
  execFileSync(process.execPath, ["build.mjs"], { cwd: here });
  const modules = { "/src/main.tsx": main, "/src/App.tsx": app("first"), "/src/Counter.tsx": counter("count "), "/src/index.css": style() };
  const registry = `${Object.entries(modules).map(([id, code]) => `__hotplate__.define(${JSON.stringify(id)}, ${code}, ${JSON.stringify(deps(code))});`).join("\n")}
    __hotplate__.css("/src/index.css", ".c { color: rgb(1, 2, 3) }");
    __hotplate__.loaded({ seq: 0, revision: 0, vendor: "k" });`;
  /** @type {Record<string, [type: string, body: () => string]>} */
  const routes = {
    "/": ["text/html", () => HTML],
    "/@live/client.js": ["text/javascript", () => readFileSync(`${here}/dist/client.js`, "utf8")],
    "/@live/registry.js": ["text/javascript", () => registry],
    "/@vendor/k.js": ["text/javascript", vendorChunk],
  };
  const server = createServer((request, response) => {
    const route = routes[new URL(request.url ?? "/", "http://x").pathname];
    if (!route) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": route[0] }).end(route[1]());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.server = server;
  stack.url = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}/`;
  stack.log = [];
  stack.received = [];
  stack.heard = new EventEmitter();
  stack.sockets = new WebSocketServer({ server, path: "/@live/socket" });
  stack.sockets.on("connection", (/** @type {any} */ socket, /** @type {any} */ request) => {
    const seq = Number(new URL(request.url, "http://x").searchParams.get("seq"));
    socket.send(JSON.stringify({ type: "connected", seq: stack.log.length, revision: stack.log.length }));
    for (const update of stack.log.slice(seq)) socket.send(JSON.stringify(update));
    socket.on("message", (/** @type {any} */ data) => {
      stack.received.push(String(data));
      stack.heard.emit("message");
    });
  });
  stack.browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
});

after(async () => {
  await stack.browser?.close();
  for (const client of stack.sockets?.clients ?? []) client.terminate();
  stack.sockets?.close();
  stack.server?.close();
});

/** @param {any} message */
const broadcast = (message) => stack.sockets.clients.forEach((/** @type {any} */ client) => client.send(JSON.stringify(message)));

/** @param {Record<string, string>} modules @param {Record<string, string>} [css] @param {boolean} [silent] */
function edit(modules, css = {}, silent = false) {
  const seq = stack.log.length + 1;
  const message = {
    type: "update", seq, from: seq - 1, to: seq, vendor: "k", removed: [],
    modules: Object.entries(modules).map(([id, code]) => ({ id, code, deps: deps(code) })),
    css: Object.entries(css).map(([id, code]) => ({ id, code })),
  };
  stack.log.push(message);
  if (!silent) broadcast(message);
  return seq;
}

/** @param {import("playwright-core").Page} page @param {number} seq @returns {Promise<any>} */
const applied = async (page, seq) => {
  await page.waitForFunction((wanted) => /** @type {any} */ (window).results?.[wanted], seq);
  return page.evaluate((wanted) => /** @type {any} */ (window).results[wanted], seq);
};

test("a page lives through edits, errors and losses without a reload", { skip, timeout: 90_000 }, async () => {
  const page = await stack.browser.newPage();
  /** @type {string[]} */
  const problems = [];
  /** @type {string[]} */
  const said = [];
  page.on("console", (/** @type {any} */ message) => said.push(message.text()));
  page.on("pageerror", (/** @type {Error} */ error) => problems.push(error.message));
  let navigations = 0;
  page.on("framenavigated", () => (navigations += 1));
  await page.addInitScript(() => {
    const results = /** @type {any} */ ((/** @type {any} */ (window).results = {}));
    window.addEventListener("hotplate:applied", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      // The DOM is read at the very moment that the client calls the update applied.
      results[detail.seq] = { ...detail, text: document.getElementById("root")?.innerText };
    });
  });
  await page.goto(stack.url);
  await page.locator("#count").click({ timeout: 10_000 }).catch((/** @type {Error} */ error) => assert.fail(`${error.message}\n${[...problems, ...said].join("\n")}`));
  await page.click("#count");
  assert.equal(await page.innerText("#count"), "count 2");
  await page.locator("hotplate-indicator[data-status=connected]").waitFor({ state: "attached" });

  const leaf = await applied(page, edit({ "/src/Counter.tsx": counter("now ") }));
  assert.equal(leaf.outcome, "hot");
  assert.match(leaf.text, /now 2/, "committed, state kept");

  const both = await applied(page, edit({ "/src/App.tsx": app("second"), "/src/Counter.tsx": counter("both ") }));
  assert.match(both.text, /second\s+both 2/);

  await applied(page, edit({}, { "/src/index.css": ".c { color: rgb(9, 8, 7) }" }));
  assert.equal(await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.getElementById("count"))).color), "rgb(9, 8, 7)");

  const diagnostic = { file: "src/App.tsx", line: 3, column: 9, message: "Expected '>', got '{'", frame: "  3 | <p {\n    |    ^", severity: "error", code: "syntax_error", fix: "close the tag" };
  broadcast({ type: "error", seq: stack.log.length, diagnostics: [diagnostic, { ...diagnostic, file: "src/b.ts" }] });
  const overlay = page.locator("hotplate-overlay");
  await overlay.waitFor();
  const shown = await overlay.evaluate((/** @type {Element} */ element) => element.shadowRoot?.textContent ?? "");
  for (const part of ["src/App.tsx:3:9", "src/b.ts:3:9", "Expected '>', got '{'", "3 | <p {", "close the tag", "2 errors"]) assert.ok(shown.includes(part), part);
  await page.keyboard.press("Escape");
  await overlay.waitFor({ state: "detached" });
  broadcast({ type: "error", seq: stack.log.length, diagnostics: [diagnostic] });
  await overlay.waitFor();
  broadcast({ type: "recovered" });
  await overlay.waitFor({ state: "detached" });

  const thrown = await applied(page, edit({ "/src/Counter.tsx": esm({ refresh: true, body: 'throw new Error("at once")' }) }));
  assert.equal(thrown.outcome, "failed");
  assert.match(thrown.text, /both 2/, "the last good one keeps running");
  await overlay.waitFor();
  await applied(page, edit({ "/src/Counter.tsx": counter("fixed ") }));
  await overlay.waitFor({ state: "detached" });
  assert.equal(await page.innerText("#count"), "fixed 2");

  edit({ "/src/Counter.tsx": counter("missed ") }, {}, true);
  const last = edit({ "/src/App.tsx": app("third") }, {}, true);
  for (const client of stack.sockets.clients) client.terminate();
  assert.match((await applied(page, last)).text, /third\s+missed 2/);

  await page.evaluate(() => console.warn("careful", { a: 1 }));
  const uncaught = page.waitForEvent("pageerror");
  await page.evaluate(() => void setTimeout(() => { throw new Error("uncaught"); }));
  await uncaught;
  // A round trip behind the messages: what was sent before it has arrived.
  await page.evaluate(() => console.log("marker"));
  while (!stack.received.some((/** @type {string} */ text) => text.includes("marker"))) await once(stack.heard, "message");
  /** @type {any[]} */
  const sent = stack.received.map((/** @type {string} */ text) => JSON.parse(text));
  assert.ok(sent.some(({ type, level, args }) => type === "console" && level === "warn" && args[1] === '{"a":1}'));
  assert.ok(sent.some(({ type, outcome }) => type === "applied" && outcome === "failed"));
  assert.deepEqual(problems.filter((message) => message !== "uncaught"), []);
  assert.equal(navigations, 1);

  const navigated = page.waitForEvent("framenavigated");
  edit({ "/src/main.tsx": main.replace("StrictMode", "Fragment") });
  await navigated;
  assert.equal(navigations, 2);
  await page.close();
});
