/**
 * Pictures that the page shows by their path: a new one takes the place of the old one, and nothing else
 * of the page moves.
 *
 * Those that modules import come with their modules, and those of the app's sheets with the sheets.
 */
// @ts-check

/** Attributes that show a picture; `srcset` names several. */
const SHOWN = /** @type {const} */ ([
  ["img, source", "srcset"], ["link[imagesrcset]", "imagesrcset"], ["img, source, input[type=image], embed", "src"], ["video", "poster"],
  ["image, use, feImage", "href"], ["image, use, feImage", "xlink:href"], ["object", "data"],
  ["link[rel~=icon], link[rel^=apple-touch], link[rel=mask-icon], link[as=image]", "href"],
]);

export class Pictures {
  /** @param {Document} document @param {(path: string) => boolean} isModule whether modules import it */
  constructor(document, isModule) {
    this.document = document;
    this.isModule = isModule;
  }

  /** @param {readonly string[]} urls of new pictures @returns {string | null} why the page has to be loaded anew */
  show(urls) {
    for (const url of urls) {
      const { pathname } = new URL(url, this.document.baseURI);
      // Something has loaded it and shows it in its own way: on a canvas, as a texture, as text.
      if (!this.#swap(url) && !this.isModule(decodeURI(pathname)) && this.#wasLoaded(pathname)) return `${pathname} changed`;
    }
    return null;
  }

  /** @param {string} url @returns {boolean} whether it is shown anywhere */
  #swap(url) {
    let found = false;
    const fresh = new URL(url, this.document.baseURI);
    /** @param {string} text @returns {string} */
    const renew = (text) => {
      const shown = URL.canParse(text, this.document.baseURI) ? new URL(text, this.document.baseURI) : null;
      if (shown?.origin !== fresh.origin || shown.pathname !== fresh.pathname) return text;
      found = true;
      return fresh.pathname + fresh.search + shown.hash;
    };
    for (const [selector, attribute] of SHOWN) {
      for (const element of this.document.querySelectorAll(selector)) {
        const before = element.getAttribute(attribute);
        if (before === null) continue;
        const after = attribute.endsWith("srcset") ? before.replace(/[^\s,]+/g, renew) : renew(before);
        if (after !== before) element.setAttribute(attribute, after);
      }
    }
    const css = (/** @type {string} */ value) => value.replace(/url\("((?:[^"\\]|\\.)*)"\)/g, (_, inner) => `url("${renew(inner)}")`);
    for (const element of this.document.querySelectorAll("[style*=url]")) {
      if (element instanceof HTMLElement || element instanceof SVGElement) renewStyle(element.style, css);
    }
    for (const sheet of this.document.styleSheets) {
      // The room renews the app's own sheets; these are of scripts and of the page itself.
      if (sheet.ownerNode instanceof HTMLElement && sheet.ownerNode.dataset.hotplateId !== undefined) {
        found ||= sheet.ownerNode.textContent?.includes(fresh.pathname) ?? false;
      } else renewSheet(sheet, css);
    }
    return found;
  }

  /** @param {string} pathname */
  #wasLoaded(pathname) {
    const { origin } = this.document.location;
    return performance.getEntriesByType("resource").some(({ name }) => {
      const url = new URL(name);
      return url.origin === origin && url.pathname === pathname;
    });
  }
}

/** @param {CSSStyleDeclaration} style @param {(value: string) => string} renew */
function renewStyle(style, renew) {
  for (const property of [...style]) {
    const before = style.getPropertyValue(property);
    if (!before.includes("url(")) continue;
    const after = renew(before);
    if (after !== before) style.setProperty(property, after, style.getPropertyPriority(property));
  }
}

/** @param {CSSStyleSheet | CSSGroupingRule} sheet @param {(value: string) => string} renew */
function renewSheet(sheet, renew) {
  /** @type {CSSRuleList} */
  let rules;
  try {
    rules = sheet.cssRules;
  } catch {
    // Of another origin: nobody may look into it.
    return;
  }
  for (const rule of rules) {
    if (rule instanceof CSSStyleRule && rule.cssText.includes("url(")) renewStyle(rule.style, renew);
    if ("cssRules" in rule) renewSheet(/** @type {CSSGroupingRule} */ (rule), renew);
  }
}
