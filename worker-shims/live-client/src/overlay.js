/**
 * The error overlay: every diagnostic there is, in a shadow tree that the app's styles cannot reach.
 *
 * Shows what it is given; when it appears and goes is decided in `main.js`.
 */
// @ts-check

import { MODULE_ABSENT } from "./failures.js";

/** @import { Diagnostic } from "./protocol.js" */

export const OVERLAY = "hotplate-overlay";

const STYLE = `
:host { all: initial; position: fixed; inset: 0; z-index: 2147483646; display: block; }
.backdrop { position: absolute; inset: 0; overflow: auto; background: rgb(8 10 14 / 72%);
  font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: #e8eaf0; }
.panel { box-sizing: border-box; max-width: 960px; margin: 5vh auto; padding: 20px 28px 24px; background: #14171f;
  border-radius: 10px; border-top: 4px solid #ff5d6c; box-shadow: 0 18px 60px rgb(0 0 0 / 50%); }
header { display: flex; justify-content: space-between; align-items: center; gap: 16px; }
h1 { margin: 0; font-size: 15px; font-weight: 600; color: #ff7f8b; }
button { all: unset; cursor: pointer; padding: 2px 10px; border-radius: 6px; color: #aab1c2; background: #222735; }
button:focus-visible, pre:focus-visible { outline: 2px solid #7aa2ff; }
.panel:focus { outline: none; }
section { margin-top: 18px; padding-top: 14px; border-top: 1px solid #262c3a; }
.place { color: #7fc8ff; overflow-wrap: anywhere; }
.message { margin: 6px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.code { color: #98a1b5; font-size: 12px; }
.warning .message { color: #ffd479; }
pre { margin: 10px 0 0; padding: 12px 14px; overflow: auto; background: #0c0e14; border-radius: 6px; color: #c9d1e4; tab-size: 2; }
.fix { margin: 10px 0 0; color: #9be38f; white-space: pre-wrap; }
footer { margin-top: 18px; color: #98a1b5; font-size: 12px; }
`;

/**
 * @param {string} tag @param {string} [className] @param {string} [text]
 * @returns {HTMLElement}
 */
function element(tag, className = "", text = "") {
  const created = document.createElement(tag);
  if (className) created.className = className;
  if (text) created.textContent = text;
  return created;
}

/** `src/App.tsx:3:9`, as far as it is known. @param {Diagnostic} diagnostic */
export function placeOf({ file, line, column }) {
  if (!file) return "";
  return line > 0 ? `${file}:${line}:${column}` : file;
}

/** @param {Diagnostic} diagnostic */
function section(diagnostic) {
  const part = element("section", diagnostic.severity);
  const place = placeOf(diagnostic);
  if (place) part.append(element("div", "place", place));
  part.append(element("p", "message", diagnostic.message));
  if (diagnostic.code) part.append(element("div", "code", diagnostic.code));
  if (diagnostic.frame) {
    const frame = element("pre", "", diagnostic.frame);
    // Wide frames scroll, and keyboards scroll what has the focus.
    frame.tabIndex = 0;
    part.append(frame);
  }
  if (diagnostic.fix) part.append(element("p", "fix", diagnostic.fix));
  return part;
}

/** Registers the element; in a function so that importing this module needs no DOM. */
export function defineOverlay() {
  if (customElements.get(OVERLAY)) return;
  customElements.define(
    OVERLAY,
    class extends HTMLElement {
      /** Where the focus was before. @type {Element | null} */
      #before = null;

      /** @param {KeyboardEvent} event */
      #onKey = (event) => {
        if (event.key === "Escape") {
          // The app behind is not meant.
          event.stopImmediatePropagation();
          this.remove();
        } else if (event.key === "Tab") this.#tab(event);
      };

      connectedCallback() {
        window.addEventListener("keydown", this.#onKey, true);
        // A page nobody works in keeps its focus: the editor around it has it.
        if (!document.hasFocus()) return;
        this.#before = document.activeElement;
        this.#focusable().at(0)?.focus();
      }

      disconnectedCallback() {
        window.removeEventListener("keydown", this.#onKey, true);
        if (this.#before instanceof HTMLElement && this.#before.isConnected) this.#before.focus({ preventScroll: true });
        this.#before = null;
      }

      /** @returns {HTMLElement[]} */
      #focusable() {
        return [...(this.shadowRoot?.querySelectorAll("button, pre") ?? [])].filter((one) => one instanceof HTMLElement);
      }

      /** The focus stays in here. @param {KeyboardEvent} event */
      #tab(event) {
        const all = this.#focusable();
        if (all.length === 0) return;
        event.preventDefault();
        const at = all.indexOf(/** @type {HTMLElement} */ (this.shadowRoot?.activeElement));
        const next = event.shiftKey ? (at <= 0 ? all.length - 1 : at - 1) : (at + 1) % all.length;
        all[next].focus();
      }

      /** @param {Diagnostic[]} diagnostics @param {boolean} running whether the app goes on behind */
      show(diagnostics, running) {
        const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
        const focused = root.activeElement !== null;
        const errors = diagnostics.filter(({ severity }) => severity === "error").length;
        const count = errors || diagnostics.length;
        const noun = errors ? "error" : "warning";
        const panel = element("div", "panel");
        panel.setAttribute("role", "alertdialog");
        panel.setAttribute("aria-modal", "true");
        panel.setAttribute("aria-label", "Errors of the preview");
        const header = element("header");
        const close = element("button", "", "Esc");
        close.setAttribute("aria-label", "Dismiss");
        close.addEventListener("click", () => this.remove());
        header.append(element("h1", "", `${count} ${noun}${count === 1 ? "" : "s"}`), close);
        panel.append(header, ...diagnostics.map(section));
        const hint = "Click outside or press Esc to dismiss.";
        panel.append(element("footer", "", running ? `The last good version keeps running. ${hint}` : hint));
        const backdrop = element("div", "backdrop");
        backdrop.addEventListener("click", (event) => {
          if (event.target === backdrop) this.remove();
        });
        backdrop.append(panel);
        root.replaceChildren(element("style", "", STYLE), backdrop);
        if (focused) close.focus();
      }
    },
  );
}

/** Causes before consequences. @type {readonly ("build" | "vendor" | "runtime")[]} */
const ORDER = ["build", "vendor", "runtime"];

/** Errors by where they come from; the overlay shows all of them. */
export class Overlay {
  /** @type {Map<string, Diagnostic[]>} */
  #sources = new Map();
  /** @type {(HTMLElement & {show(diagnostics: Diagnostic[], running: boolean): void}) | null} */
  #element = null;

  /**
   * @param {"build" | "vendor" | "runtime"} source @param {Diagnostic[]} diagnostics none: it is fine again
   * @param {boolean} [open] there is something new that must be seen; what was dismissed stays away otherwise
   */
  set(source, diagnostics, open = diagnostics.length > 0) {
    if (diagnostics.length > 0) this.#sources.set(source, diagnostics);
    else if (!this.#sources.delete(source)) return;
    if (this.errors === 0) {
      this.#element?.remove();
      this.#element = null;
    } else if (open || this.#element?.isConnected) this.open();
  }

  /** Shows what there is. */
  open() {
    if (this.errors === 0) return;
    this.#element ??= /** @type {any} */ (document.createElement(OVERLAY));
    this.#element?.show(this.#all, !this.#sources.has("runtime"));
    if (this.#element && !this.#element.isConnected) (document.body ?? document.documentElement).append(this.#element);
  }

  get errors() {
    return this.#all.length;
  }

  /** The missing module that an error of the build is the cause of is not told a second time. */
  get #all() {
    const explained = this.#sources.get("build")?.some(({ severity }) => severity === "error");
    const all = ORDER.flatMap((source) => this.#sources.get(source) ?? []);
    return explained ? all.filter(({ code }) => code !== MODULE_ABSENT) : all;
  }
}
