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

/** A module asks for one that is not there: what does not compile or link is the cause, and says so itself. */
export const MODULE_ABSENT = "module_absent";

/** An error in a loop tells nothing new after these. */
const MAX_KEPT = 20;

/**
 * What the error did to the page: nothing that shows; a module did not run; React emptied a root.
 * @typedef {"survived" | "stopped" | "emptied"} Effect
 * @typedef {{id: number, key: string, effect: Effect, diagnostic: Diagnostic}} Failure
 */

/** Frames of the client itself and of packages say nothing about the app. */
const FOREIGN = /\/@live\/client\.js|\/@vendor\//;

/** The message and both stacks, as an overlay shows them. @param {string} stack @param {string} componentStack @param {string} message */
function frameOf(stack, componentStack, message) {
  // Browsers put the message before the frames.
  const lines = stack.split("\n");
  const first = lines.findIndex((line) => /^\s+at |@.*:\d+:\d+$/.test(line));
  const own = first < 0 ? [] : lines.slice(first).filter((line) => !FOREIGN.test(line));
  const frames = first < 0 && !stack.includes(message) ? stack : own.join("\n");
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

  /** @param {unknown} error @param {string} components React's component stack @param {Effect} effect */
  add(error, components, effect) {
    const id = ++this.#id;
    const message = /** @type {ViewerMessage & {type: "runtime_error"}} */ (runtimeError(error, components, id));
    this.forward(message);
    const key = message.message + message.stack;
    const known = this.#all.find((one) => one.key === key);
    if (known) {
      known.id = id;
      if (effect === "survived" || effect === known.effect) return;
      known.effect = effect;
    } else if (this.#all.length < MAX_KEPT) {
      const frame = frameOf(message.stack, components, message.message);
      const absent = error instanceof Error && Reflect.get(error, "code") === "MODULE_NOT_FOUND";
      /** @type {Diagnostic} */
      const diagnostic = { file: "", line: 0, column: 0, message: message.message || "Unknown error", frame, severity: "error", code: absent ? MODULE_ABSENT : "runtime_error" };
      this.#all.push({ id, key, effect, diagnostic });
    }
    this.#show(effect !== "survived");
  }

  /** The room knows the sources. @param {{id: number, diagnostic: Diagnostic, stack: string, component_stack: string}} traced */
  traced({ id, diagnostic, stack, component_stack }) {
    const failure = this.#all.find((one) => one.id === id);
    if (!failure) return;
    const frame = [diagnostic.frame, frameOf(stack, component_stack, diagnostic.message)].filter(Boolean).join("\n\n");
    const { code } = failure.diagnostic;
    failure.diagnostic = { ...diagnostic, frame, code: code === MODULE_ABSENT ? code : diagnostic.code };
    this.#show(false);
  }

  /** An update begins, or another attempt to have the page right. */
  begin() {
    this.#before = this.#id;
  }

  /**
   * It went well: what failed before it is history, unless a root is still without its content.
   * @param {boolean} empty
   */
  recovered(empty) {
    const left = this.#all.filter(({ id, effect }) => id > this.#before || (effect === "emptied" && empty));
    if (left.length === this.#all.length) return;
    this.#all = left;
    this.#show(false);
  }

  /** @param {boolean} open */
  #show(open) {
    // What stands in the way comes first.
    const rank = (/** @type {Failure} */ { effect }) => (effect === "survived" ? 1 : 0);
    this.show(this.#all.toSorted((a, b) => rank(a) - rank(b)).map(({ diagnostic }) => diagnostic), open);
  }
}
