/**
 * Sends console lines and runtime errors to the room, where editors and programs read them.
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

/** @param {unknown} error @param {string} [componentStack] @param {number} [id] asks for the answer of that id @returns {ViewerMessage} */
export function runtimeError(error, componentStack = "", id) {
  const isError = error instanceof Error;
  return {
    type: "runtime_error",
    ...(id === undefined ? {} : { id }),
    message: cut(isError ? error.message : inspect(error)),
    stack: cut(isError ? (error.stack ?? "") : ""),
    component_stack: cut(componentStack),
  };
}

export class Forwarder {
  /** @type {ViewerMessage[]} */ #held = [];
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
          this.forward({ type: "console", level, args: formatArguments(args) });
        } finally {
          this.#inside = false;
        }
      };
    }
  }
}
