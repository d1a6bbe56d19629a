/**
 * The badge that says how the preview stands. `?hotplate-indicator=off` hides it for one page,
 * `<meta name="hotplate-indicator" content="off">` in `index.html` for the app.
 */
// @ts-check

import { unreachable } from "./module.js";

/**
 * @typedef {{kind: "connecting"} | {kind: "connected"} | {kind: "updating"} | {kind: "reconnecting", attempt: number}
 *   | {kind: "installing", message: string} | {kind: "error", count: number}} Status
 */

const STYLE = `
:host { all: initial; position: fixed; right: 10px; bottom: 10px; z-index: 2147483645; pointer-events: none; }
div { display: flex; align-items: center; gap: 8px; padding: 5px 12px; border-radius: 999px; background: rgb(20 23 31 / 92%);
  color: #f1f3f8; font: 12px/1.4 system-ui, sans-serif; box-shadow: 0 0 0 1px rgb(255 255 255 / 14%), 0 2px 8px rgb(0 0 0 / 25%); }
.quiet span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.quiet { padding: 5px; opacity: .8; }
i { flex: none; width: 8px; height: 8px; border-radius: 50%; background: var(--tone); }
.moving i { animation: pulse 1s ease-in-out infinite alternate; }
@keyframes pulse { to { opacity: .35; } }
@media (prefers-reduced-motion: reduce) { .moving i { animation: none; } }
button { all: unset; cursor: pointer; pointer-events: auto; padding: 0 8px; border-radius: 999px; background: #333a4d; color: #f1f3f8; }
button:hover { background: #454e66; }
button:focus-visible { outline: 2px solid #7aa2ff; outline-offset: 2px; }
button[hidden] { display: none; }
`;

/** @param {Status} status @returns {{text: string, tone: string, quiet: boolean, moving: boolean}} */
export function describeStatus(status) {
  switch (status.kind) {
    case "connecting":
      return { text: "Connecting", tone: "#aab1c2", quiet: true, moving: true };
    case "connected":
      return { text: "Connected", tone: "#5fd38d", quiet: true, moving: false };
    case "updating":
      return { text: "Updating", tone: "#7aa2ff", quiet: true, moving: true };
    case "reconnecting":
      return { text: `Reconnecting (attempt ${status.attempt})`, tone: "#ffb454", quiet: false, moving: true };
    case "installing":
      return { text: status.message || "Installing dependencies", tone: "#7aa2ff", quiet: false, moving: true };
    case "error":
      return { text: status.count === 1 ? "1 error" : `${status.count} errors`, tone: "#ff5d6c", quiet: false, moving: false };
    default:
      return unreachable(status, "status");
  }
}

/** @typedef {{host: HTMLElement, badge: HTMLElement, label: HTMLElement, button: HTMLButtonElement}} Parts */

export class Indicator {
  /** @type {Parts | null} */ #parts = null;
  #last = "";
  /** @type {Status["kind"]} */ #kind = "connecting";

  /** @param {string | null} choice of the page's address: `off`, `on` or none @param {() => void} onOpen somebody wants to see the errors */
  constructor(choice, onOpen) {
    this.choice = choice;
    this.onOpen = onOpen;
  }

  /**
   * Asked each time: the page's `<meta>` may come after the client. In the head alone, where it belongs: a search of the
   * document for what most apps do not have looks at every element, twice for each edit.
   */
  #hidden() {
    if (this.choice === "off" || this.choice === "on") return this.choice === "off";
    return document.head?.querySelector("meta[name=hotplate-indicator]")?.getAttribute("content") === "off";
  }

  /** @param {Status} status */
  show(status) {
    if (this.#hidden()) return this.#parts?.host.remove();
    const { text, tone, quiet, moving } = describeStatus(status);
    const key = status.kind + text;
    const parts = (this.#parts ??= this.#create());
    if (!parts.host.isConnected) (document.body ?? document.documentElement).append(parts.host);
    if (key === this.#last) return;
    this.#last = key;
    parts.host.dataset.status = status.kind;
    parts.badge.className = [quiet && "quiet", moving && "moving"].filter(Boolean).join(" ");
    parts.badge.style.setProperty("--tone", tone);
    parts.button.hidden = status.kind !== "error";
    // Updates come with each keystroke of an editor; saying so aloud would drown everything else.
    parts.label.setAttribute("aria-live", status.kind === "updating" || this.#kind === "updating" ? "off" : "polite");
    parts.label.textContent = `Preview: ${text}`;
    this.#kind = status.kind;
  }

  /** @returns {Parts} */
  #create() {
    const host = document.createElement("hotplate-indicator");
    const root = host.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    const badge = document.createElement("div");
    const label = document.createElement("span");
    label.setAttribute("role", "status");
    const dot = document.createElement("i");
    dot.setAttribute("aria-hidden", "true");
    const button = document.createElement("button");
    button.textContent = "Show";
    button.setAttribute("aria-label", "Show the errors of the preview");
    button.addEventListener("click", () => this.onOpen());
    badge.append(dot, label, button);
    root.append(style, badge);
    return { host, badge, label, button };
  }
}
