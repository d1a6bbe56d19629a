/**
 * The live client: puts the parts together in a browser window and installs `window.__hotplate__`.
 *
 * Runs first in `<head>`, because React looks for the refresh hook when it is evaluated.
 */
// @ts-check

import * as runtime from "react-refresh/runtime";
import { Engine } from "./engine.js";
import { Failures } from "./failures.js";
import { Forwarder } from "./forward.js";
import { Indicator } from "./indicator.js";
import { Overlay, defineOverlay } from "./overlay.js";
import { Page } from "./page.js";
import { Pictures } from "./pictures.js";
import { ReactTools } from "./react.js";
import { Refresh } from "./refresh.js";
import { Registry } from "./registry.js";
import { Styles } from "./styles.js";
import { Transport } from "./transport.js";

/** @import { ModuleUpdate } from "./protocol.js" */
/** @import { Status } from "./indicator.js" */

runtime.injectIntoGlobalHook(window);
const react = new ReactTools(Reflect.get(window, "__REACT_DEVTOOLS_GLOBAL_HOOK__"), runtime.getFamilyByType);

const { origin, host, protocol, search } = location;
const own = { warn: console.warn.bind(console), info: console.info.bind(console) };
const ENV = { BASE_URL: "/", MODE: "development", DEV: true, PROD: false, SSR: false };

// React logs what an error boundary caught, unless the app has it otherwise.
const { error } = console;
console.error = (...lines) => {
  react.troubled = true;
  error.apply(console, lines);
};

defineOverlay();
const overlay = new Overlay();
const indicator = new Indicator(new URLSearchParams(search).get("hotplate-indicator"), () => overlay.open());
const styles = new Styles(document);
const pictures = new Pictures(document, (path) => [path, `${path}?url`].some((id) => registry.modules.get(id)?.instance));
const refresh = new Refresh(runtime, () => {
  const id = registry.aliases.get("npm:react/jsx-dev-runtime");
  return id && registry.modules.get(id)?.instance?.commonJs?.exports;
});
const forwarder = new Forwarder((message) => transport.send(message));
forwarder.installConsole(console);
const failures = new Failures(
  (message) => forwarder.forward(message),
  (diagnostics, open) => {
    overlay.set("runtime", diagnostics, open);
    showStatus();
  },
);

/** An error that nobody caught. @param {unknown} error */
function uncaught(error) {
  react.troubled = true;
  const components = react.componentStack();
  // React reports an error while it commits; whether it emptied the root is known when it has.
  queueMicrotask(() => failures.add(error, components, components !== "" && react.lostRoots.size > 0 ? "emptied" : "survived"));
}
window.addEventListener("error", (event) => {
  if (event.error !== undefined || event.message) uncaught(event.error ?? event.message);
});
window.addEventListener("unhandledrejection", (event) => uncaught(event.reason));

/** @type {import("./transport.js").TransportState} */
let link = { phase: "connecting" };
/** @type {string | null} */
let installing = null;
let busy = false;

function showStatus() {
  /** @returns {Status} */
  const status = () => {
    if (link.phase === "waiting") return { kind: "reconnecting", attempt: link.attempt };
    if (installing !== null) return { kind: "installing", message: installing };
    if (overlay.errors > 0) return { kind: "error", count: overlay.errors };
    if (busy) return { kind: "updating" };
    return { kind: link.phase === "open" ? "connected" : "connecting" };
  };
  indicator.show(status());
}

/** Text of an update → its record. @param {ModuleUpdate} update @param {number} seq */
function compile({ id, code }, seq) {
  const source = `${origin}${id}${id.includes("?") ? "&" : "?"}seq=${seq}`;
  const map = `${origin}/@live/map?id=${encodeURIComponent(id)}&seq=${seq}`;
  // Indirect, so that the code sees the global scope alone.
  return (0, eval)(`(${code}\n)\n//# sourceURL=${source}\n//# sourceMappingURL=${map}`);
}

/** @type {Registry} */
const registry = new Registry({
  origin,
  meta: (instance) => ({
    url: registry.url(instance.module.id),
    env: { ...ENV, ...page.env },
    hot: engine.hot(instance),
  }),
  style: (id, text, imports) => styles.mount(id, text, imports),
  signature: () => react.noting(refresh.signature()),
  evaluated: (instance) => refresh.evaluated(instance),
  fetch: () => null,
  native: (url) => import(url),
});

const engine = new Engine(registry, {
  compile,
  refresh,
  styles,
  send: (event, data) => forwarder.forward({ type: "custom", event, data: data ?? null }),
  report: (error) => reportError(error),
  wake: () => page.wake(),
});

/** @param {string} url @returns {Promise<void>} */
function script(url) {
  const { promise, resolve, reject } = deferred();
  const element = document.createElement("script");
  element.src = url;
  element.addEventListener("load", () => resolve());
  element.addEventListener("error", () => reject(new Error(`could not load ${url}`)));
  document.head.append(element);
  return promise;
}

/** @returns {{promise: Promise<void>, resolve: () => void, reject: (error: unknown) => void}} */
function deferred() {
  /** @type {any} */
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

const page = new Page(registry, engine, {
  script,
  connect: () => transport.connect(),
  resync: () => transport.resync(),
  inOrder: () => transport.inOrder(),
  send: (message) => void transport.send(message),
  diagnose: (source, diagnostics) => {
    overlay.set(source, diagnostics);
    if (diagnostics.length > 0) engine.events.emit("vite:error", { type: "error", err: diagnostics[0] });
    showStatus();
  },
  warn: (warnings) => {
    for (const { file, message, fix } of warnings) own.warn(`[hotplate] ${file}: ${message}${fix ? `\n${fix}` : ""}`);
  },
  failure: (error) => {
    own.warn("[hotplate]", error);
    failures.add(error, "", "stopped");
  },
  traced: (traced) => failures.traced(traced),
  installing: (message) => {
    installing = message;
    showStatus();
  },
  begin: () => failures.begin(),
  recovered: () => failures.recovered(react.lostRoots.size > 0),
  busy: (now) => {
    busy = now;
    // Painting "updating" for every keystroke would cost more than it tells.
    if (!now) showStatus();
    else if (link.phase === "open") indicator.show({ kind: "updating" });
  },
  pictures: (urls) => pictures.show(urls),
  started: () => window.dispatchEvent(new CustomEvent("hotplate:started")),
  applied: (detail) => window.dispatchEvent(new CustomEvent("hotplate:applied", { detail })),
  reload: (reason) => {
    own.info(`[hotplate] loading the page anew: ${reason}`);
    location.reload();
  },
  now: () => performance.now(),
});

const transport = new Transport({
  url: `${protocol === "https:" ? "wss" : "ws"}://${host}/@live/socket`,
  seq: () => page.seq,
  stream: () => page.stream,
  hidden: () => document.visibilityState === "hidden",
  onMessage: (message) => page.receive(message),
  onState: (state) => {
    const before = link.phase;
    link = state;
    if (state.phase === "open") {
      forwarder.flush();
      engine.events.emit("vite:ws:connect", {});
    } else if (before === "open") {
      engine.events.emit("vite:ws:disconnect", {});
    }
    showStatus();
  },
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") transport.wake();
});
window.addEventListener("online", () => transport.wake());
window.addEventListener("pagehide", () => transport.close());
// Back out of the browser's cache the page has no socket and may be far behind.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

/** What runs in this page, by module id, for tools and tests: two pages of one revision are equal. */
function executed() {
  const running = [...registry.modules.values()].filter(({ instance, record }) => instance && record);
  return Object.fromEntries(
    running.map(({ id, instance, deps }) => {
      const record = /** @type {any} */ (instance).record;
      return [id, { kind: record.kind, deps, code: String(record.run ?? JSON.stringify(record)) }];
    }),
  );
}

Object.defineProperty(window, "__hotplate__", {
  value: Object.freeze({
    define: registry.define.bind(registry),
    css: registry.css.bind(registry),
    alias: (/** @type {string} */ alias, /** @type {string} */ id) => {
      if (registry.alias(alias, id)) page.moved(alias);
    },
    loaded: page.loaded.bind(page),
    configure: page.configure.bind(page),
    start: page.start.bind(page),
    executed,
  }),
});
