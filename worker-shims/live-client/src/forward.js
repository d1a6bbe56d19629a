/**
 * Sends console lines and uncaught errors to the room, where editors and programs read them.
 *
 * Changes nothing of what the page's own console shows.
 */
// @ts-check

/** @import { ConsoleLevel, ViewerMessage } from "./protocol.js" */

/** @type {readonly ConsoleLevel[]} */
const LEVELS = ["debug", "log", "info", "warn", "error"];
const MAX_TEXT = 4_000;
const MAX_ARGS = 20;
const MAX_HELD = 100;
/** How React 19 names the component when it reports an error. */
const COMPONENT = /error occurred in (?:the |one of your React components|<)/;

/** @param {string} text */
const cut = (text) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** One console argument as text. @param {unknown} value @returns {string} */
export function inspect(value) {
  if (typeof value === "string") return cut(value);
  if (value instanceof Error) return cut(value.stack?.includes(value.message) ? value.stack : `${value.name}: ${value.message}`);
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (typeof Element !== "undefined" && value instanceof Element) return cut(value.cloneNode(false) instanceof Element ? `<${value.localName}>` : "");
  /** @type {unknown[]} */
  const path = [];
  try {
    const text = JSON.stringify(value, function (_key, inner) {
      while (path.length > 0 && path.at(-1) !== this) path.pop();
      if (typeof inner === "bigint") return `${inner}n`;
      if (typeof inner === "function") return `[function ${inner.name || "anonymous"}]`;
      if (inner instanceof Error) return `${inner.name}: ${inner.message}`;
      if (inner instanceof Map || inner instanceof Set) return [...inner];
      if (typeof inner !== "object" || inner === null) return inner;
      if (path.includes(inner)) return "[circular]";
      path.push(inner);
      return inner;
    });
    return cut(text ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Fills `%s`, `%o`, `%d`, `%c` as consoles do. @param {unknown[]} args @returns {string[]} */
export function formatArguments(args) {
  const [first, ...rest] = args;
  if (typeof first !== "string" || !/%[sdifoOc]/.test(first)) return args.slice(0, MAX_ARGS).map(inspect);
  const text = first.replace(/%([sdifoOc%])/g, (whole, kind) => {
    if (kind === "%") return "%";
    if (rest.length === 0) return whole;
    const value = rest.shift();
    return kind === "c" ? "" : inspect(value);
  });
  return [cut(text), ...rest.slice(0, MAX_ARGS).map(inspect)];
}

/** @param {unknown} error @param {string} [componentStack] @returns {ViewerMessage} */
export function runtimeError(error, componentStack = "") {
  const isError = error instanceof Error;
  return {
    type: "runtime_error",
    message: cut(isError ? error.message : inspect(error)),
    stack: cut(isError ? (error.stack ?? "") : ""),
    component_stack: cut(componentStack),
  };
}

export class Forwarder {
  /** @type {ViewerMessage[]} */ #held = [];
  /** @type {string | null} */ #component = null;
  #inside = false;

  /** @param {(message: ViewerMessage) => boolean} send false: there is no socket at the moment */
  constructor(send) {
    this.send = send;
  }

  /** @param {ViewerMessage} message */
  forward(message) {
    if (this.send(message)) return;
    // The oldest lines usually say why the later ones came.
    if (this.#held.length < MAX_HELD) this.#held.push(message);
  }

  /** The socket is open. */
  flush() {
    for (const message of this.#held.splice(0)) this.forward(message);
  }

  /** @param {Console} console */
  installConsole(console) {
    for (const level of LEVELS) {
      const original = console[level];
      console[level] = (/** @type {unknown[]} */ ...args) => {
        original.apply(console, args);
        if (this.#inside) return;
        this.#inside = true;
        try {
          const texts = formatArguments(args);
          if (COMPONENT.test(texts[0] ?? "")) this.#component = texts[0];
          this.forward({ type: "console", level, args: texts });
        } finally {
          this.#inside = false;
        }
      };
    }
  }

  /** @param {Window} window */
  installErrors(window) {
    window.addEventListener("error", (event) => {
      if (event.error !== undefined || event.message) this.error(event.error ?? event.message);
    });
    window.addEventListener("unhandledrejection", (event) => this.error(event.reason));
  }

  /** @param {unknown} error */
  error(error) {
    this.#component = null;
    // React names the component right after it has reported the error.
    queueMicrotask(() => this.forward(runtimeError(error, this.#component ?? "")));
  }
}
