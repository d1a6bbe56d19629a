/**
 * Style sheets of the page: one `<style>` per sheet that executed, in order of execution, and the
 * `<link>` sheets of `index.html`.
 *
 * Knows sheets by id and text, nothing of modules.
 */
// @ts-check

/** Tells texts apart. @param {string} text */
function digest(text) {
  let hash = text.length;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return (hash >>> 0).toString(36);
}

export class Styles {
  /** @type {Map<string, HTMLStyleElement>} */
  #elements = new Map();
  /** As it came, by id. @type {Map<string, string>} */
  #texts = new Map();
  #versions = 0;

  /** @param {Document} document */
  constructor(document) {
    this.document = document;
  }

  /** A sheet executes: its place is behind those that executed before, and behind those it imports.
   * @param {string} id @param {string} text @param {string[]} [imports] */
  mount(id, text, imports = []) {
    const present = this.#elements.get(id);
    if (present) {
      this.#write(present, id, text);
      for (const imported of imports) {
        const element = this.#elements.get(imported);
        if (element && present.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) present.before(element);
      }
      return;
    }
    const element = this.document.createElement("style");
    element.dataset.hotplateId = id;
    const nonce = this.document.querySelector("meta[property=csp-nonce]");
    if (nonce instanceof HTMLElement) element.nonce = nonce.nonce || nonce.getAttribute("content") || "";
    this.#write(element, id, text);
    this.document.head.append(element);
    this.#elements.set(id, element);
  }

  /** Developer tools ask for the source map when somebody looks, once an address: a new text has a new one, and the same
   * text the same one, so that pages of one revision are equal. Packages have none.
   * @param {HTMLStyleElement} element @param {string} id @param {string} text */
  #write(element, id, text) {
    if (this.#texts.get(id) === text) return;
    this.#texts.set(id, text);
    const map = `${this.document.location.origin}/@live/map?id=${encodeURIComponent(id)}&of=${digest(text)}`;
    element.textContent = id.startsWith("/") ? `${text}\n/*# sourceMappingURL=${map} */` : text;
  }

  /** New text in the same place; nothing for sheets that never executed. @param {string} id @param {string} text */
  update(id, text) {
    const element = this.#elements.get(id);
    if (element) this.#write(element, id, text);
    this.#swapLinks(id);
  }

  /** @param {string} id */
  remove(id) {
    this.#elements.get(id)?.remove();
    this.#elements.delete(id);
    this.#texts.delete(id);
  }

  /** The old sheet stays until the new one is there, so that nothing flashes. @param {string} id */
  #swapLinks(id) {
    for (const link of this.document.querySelectorAll("link[rel~=stylesheet]")) {
      if (!(link instanceof HTMLLinkElement) || !link.href || link.dataset.hotplateOld !== undefined) continue;
      const url = new URL(link.href);
      if (url.origin !== this.document.location.origin || url.pathname !== encodeURI(id.split("?")[0])) continue;
      const next = /** @type {HTMLLinkElement} */ (link.cloneNode());
      url.searchParams.set("t", String(++this.#versions));
      next.href = url.href;
      link.dataset.hotplateOld = "";
      const drop = () => link.remove();
      next.addEventListener("load", drop, { once: true });
      next.addEventListener("error", drop, { once: true });
      link.after(next);
    }
  }
}
