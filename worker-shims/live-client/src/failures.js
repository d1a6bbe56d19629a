/**
 * Errors of the app at run time: tells the room, and keeps them for overlay and badge until an update
 * is applied well.
 *
 * What leaves the page without its content (a module that throws, a root that React emptied) opens the
 * overlay. What the page survives (event handlers, rejected promises) only counts on the badge, from
 * which the overlay can be opened: an editor's half-finished handler must not cover the page.
 */
// @ts-check

import { runtimeError } from "./forward.js";

/** @import { Diagnostic, ViewerMessage } from "./protocol.js" */

/** An error in a loop tells nothing new after these. */
const MAX_KEPT = 20;

/** @typedef {{id: number, key: string, fatal: boolean, diagnostic: Diagnostic}} Failure */

/** The message and both stacks, as an overlay shows them. @param {string} stack @param {string} componentStack @param {string} message */
function frameOf(stack, componentStack, message) {
  // Browsers put the message before the frames.
  const lines = stack.split("\n");
  const first = lines.findIndex((line) => /^\s+at |@.*:\d+:\d+$/.test(line));
  const frames = first < 0 ? (stack.includes(message) ? "" : stack) : lines.slice(first).join("\n");
  return [frames, componentStack && `The component stack:\n${componentStack}`].filter(Boolean).join("\n\n");
}

export class Failures {
  /** @type {Failure[]} */
  #all = [];
  #id = 0;
  /** Number of the last failure before the present attempt. */
  #before = 0;

  /**
   * @param {(message: ViewerMessage) => void} forward
   * @param {(diagnostics: Diagnostic[], open: boolean) => void} show
   */
  constructor(forward, show) {
    this.forward = forward;
    this.show = show;
  }

  /** @param {unknown} error @param {string} components React's component stack @param {boolean} fatal nothing of the page may be left */
  add(error, components, fatal) {
    const id = ++this.#id;
    const message = /** @type {ViewerMessage & {type: "runtime_error"}} */ (runtimeError(error, components, id));
    this.forward(message);
    const key = message.message + message.stack;
    const known = this.#all.find((one) => one.key === key);
    if (known) {
      known.id = id;
      if (!fatal || known.fatal) return;
      known.fatal = true;
    } else if (this.#all.length < MAX_KEPT) {
      const frame = frameOf(message.stack, components, message.message);
      /** @type {Diagnostic} */
      const diagnostic = { file: "", line: 0, column: 0, message: message.message || "Unknown error", frame, severity: "error", code: "runtime_error" };
      this.#all.push({ id, key, fatal, diagnostic });
    }
    this.#show(fatal);
  }

  /** The room knows the sources. @param {{id: number, diagnostic: Diagnostic, stack: string, component_stack: string}} traced */
  traced({ id, diagnostic, stack, component_stack }) {
    const failure = this.#all.find((one) => one.id === id);
    if (!failure) return;
    const frame = [diagnostic.frame, frameOf(stack, component_stack, diagnostic.message)].filter(Boolean).join("\n\n");
    failure.diagnostic = { ...diagnostic, frame };
    this.#show(false);
  }

  /** An update begins, or another attempt to have the page right. */
  begin() {
    this.#before = this.#id;
  }

  /**
   * It went well: what failed before it is history, unless the page is still without its content.
   * @param {boolean} lost
   */
  recovered(lost) {
    const left = this.#all.filter(({ id, fatal }) => id > this.#before || (fatal && lost));
    if (left.length === this.#all.length) return;
    this.#all = left;
    this.#show(false);
  }

  /** @param {boolean} open */
  #show(open) {
    this.show(this.#all.map(({ diagnostic }) => diagnostic), open);
  }
}
