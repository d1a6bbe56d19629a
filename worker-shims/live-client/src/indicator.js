/**
 * The badge that says how the preview stands. `?hotplate-indicator=off` hides it.
 */
// @ts-check

import { unreachable } from "./module.js";

/**
 * @typedef {{kind: "connecting"} | {kind: "connected"} | {kind: "updating"} | {kind: "reconnecting", attempt: number}
 *   | {kind: "installing", message: string} | {kind: "error", count: number}} Status
 */

const STYLE = `
:host { all: initial; position: fixed; right: 10px; bottom: 10px; z-index: 2147483645; pointer-events: none; }
div { display: flex; align-items: center; gap: 7px; padding: 4px 10px; border-radius: 999px; background: rgb(20 23 31 / 88%);
  color: #e8eaf0; font: 12px/1.4 system-ui, sans-serif; }
.quiet span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.quiet { padding: 5px; opacity: .55; }
i { width: 8px; height: 8px; border-radius: 50%; background: var(--tone); }
`;

/** @param {Status} status @returns {{text: string, tone: string, quiet: boolean}} */
export function describeStatus(status) {
  switch (status.kind) {
    case "connecting":
      return { text: "Connecting", tone: "#aab1c2", quiet: true };
    case "connected":
      return { text: "Connected", tone: "#5fd38d", quiet: true };
    case "updating":
      return { text: "Updating", tone: "#7aa2ff", quiet: true };
    case "reconnecting":
      return { text: `Reconnecting (attempt ${status.attempt})`, tone: "#ffb454", quiet: false };
    case "installing":
      return { text: status.message || "Installing dependencies", tone: "#7aa2ff", quiet: false };
    case "error":
      return { text: status.count === 1 ? "1 error" : `${status.count} errors`, tone: "#ff5d6c", quiet: false };
    default:
      return unreachable(status, "status");
  }
}

export class Indicator {
  /** @type {HTMLElement | null} */ #host = null;
  /** @type {HTMLElement | null} */ #badge = null;
  /** @type {HTMLElement | null} */ #label = null;
  #last = "";

  /** @param {boolean} enabled */
  constructor(enabled) {
    this.enabled = enabled;
  }

  /** @param {Status} status */
  show(status) {
    const { text, tone, quiet } = describeStatus(status);
    const key = status.kind + text;
    if (!this.enabled || key === this.#last) return;
    if (!this.#host) this.#create();
    if (!this.#host || !this.#badge || !this.#label) return;
    this.#last = key;
    this.#host.dataset.status = status.kind;
    this.#badge.className = quiet ? "quiet" : "";
    this.#badge.style.setProperty("--tone", tone);
    this.#label.textContent = `Preview: ${text}`;
    if (!this.#host.isConnected) (document.body ?? document.documentElement).append(this.#host);
  }

  #create() {
    const host = document.createElement("hotplate-indicator");
    const root = host.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    const badge = document.createElement("div");
    badge.setAttribute("role", "status");
    badge.setAttribute("aria-live", "polite");
    const label = document.createElement("span");
    badge.append(document.createElement("i"), label);
    root.append(style, badge);
    this.#host = host;
    this.#badge = badge;
    this.#label = label;
  }
}
