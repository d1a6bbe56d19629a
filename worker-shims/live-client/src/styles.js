/**
 * Style sheets of the page: one `<style>` per sheet that executed, in order of execution, and the
 * `<link>` sheets of `index.html`.
 *
 * Knows sheets by id and text, nothing of modules.
 */
// @ts-check

export class Styles {
  /** @type {Map<string, HTMLStyleElement>} */
  #elements = new Map();
  #versions = 0;

  /** @param {Document} document */
  constructor(document) {
    this.document = document;
  }

  /** A sheet executes: its place is behind those that executed before. @param {string} id @param {string} text */
  mount(id, text) {
    const present = this.#elements.get(id);
    if (present) {
      if (present.textContent !== text) present.textContent = text;
      return;
    }
    const element = this.document.createElement("style");
    element.dataset.hotplateId = id;
    const nonce = this.document.querySelector("meta[property=csp-nonce]");
    if (nonce instanceof HTMLElement) element.nonce = nonce.nonce || nonce.getAttribute("content") || "";
    element.textContent = text;
    this.document.head.append(element);
    this.#elements.set(id, element);
  }

  /** New text in the same place; nothing for sheets that never executed. @param {string} id @param {string} text */
  update(id, text) {
    const element = this.#elements.get(id);
    if (element) element.textContent = text;
    this.#swapLinks(id);
  }

  /** @param {string} id */
  remove(id) {
    this.#elements.get(id)?.remove();
    this.#elements.delete(id);
  }

  /** The old sheet stays until the new one is there, so that nothing flashes. @param {string} id */
  #swapLinks(id) {
    for (const link of this.document.querySelectorAll("link[rel~=stylesheet]")) {
      if (!(link instanceof HTMLLinkElement) || !link.href || link.dataset.hotplateOld !== undefined) continue;
      const url = new URL(link.href);
      if (url.origin !== this.document.location.origin || url.pathname !== encodeURI(id)) continue;
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
