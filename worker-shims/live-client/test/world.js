/**
 * A registry, an engine and a log, without a browser: what the tests of this folder run modules in.
 *
 * Modules are written as the compiler prints them, only shorter.
 */
// @ts-check
import { Engine } from "../src/engine.js";
import { Refresh } from "../src/refresh.js";
import { Registry } from "../src/registry.js";

/**
 * An ES module's record as text. `imports` are specifiers; in `head` and `body` the first is `_0`, the second `_1`, …
 * @param {{imports?: string[], exports?: Record<string, string>, stars?: string[], head?: string, body?: string,
 *   async?: boolean, refresh?: boolean}} parts
 */
export function esm({ imports = [], exports = {}, stars = [], head = "", body = "", async: awaits = false, refresh = false }) {
  const getters = Object.entries(exports).map(([name, value]) => `${JSON.stringify(name)}: () => ${value}`);
  const all = [...new Set([...imports, ...stars])];
  return `{ kind: "esm", imports: ${JSON.stringify(all)}, refresh: ${refresh}, async: ${awaits},
    ${awaits ? "async " : ""}*run(h) { "use strict";
      h.export({ ${getters.join(", ")} });
      ${stars.map((star) => `h.exportAll(${JSON.stringify(star)});`).join("")}
      ${imports.map((specifier, i) => `const _${i} = h.import(${JSON.stringify(specifier)});`).join("")}
      ${head}
      yield;
      ${body}
    } }`;
}

/** @param {string} body */
export const cjs = (body) => `{ kind: "cjs", run(module, exports, require, h) { ${body} } }`;

/** @param {Record<string, string>} [exports] @param {{imports?: string[], composes?: Record<string, [string, string][]>}} [more] */
export const style = (exports = {}, more = {}) => JSON.stringify({ kind: "style", ...more, exports });

/** A Fast Refresh runtime without React: families by registration id. */
export function fakeRefresh() {
  /** @type {Map<string, object>} */
  const families = new Map();
  /** @type {Map<unknown, object>} */
  const byType = new Map();
  /** @type {{performed: number, registered: string[]}} */
  const state = { performed: 0, registered: [] };
  const refresh = new Refresh({
    register(type, id) {
      state.registered.push(id);
      if (byType.has(type)) return;
      if (!families.has(id)) families.set(id, { id });
      byType.set(type, /** @type {object} */ (families.get(id)));
    },
    createSignatureFunctionForTransform: () => (/** @type {unknown} */ type) => type,
    isLikelyComponentType: (type) => typeof type === "function" && /^[A-Z]/.test(type.name),
    getFamilyByType: (type) => byType.get(type),
    performReactRefresh: () => {
      state.performed += 1;
    },
  });
  return { refresh, state };
}

/** What a test holds in its hands. */
export class World {
  /** @type {any[]} */ log = [];
  /** @type {unknown[]} */ reported = [];
  /** @type {{event: string, data: unknown}[]} */ sent = [];
  /** @type {string[]} */ styles = [];
  /** @type {Record<string, (id: string) => Promise<unknown>>} */ chunks = {};
  wakes = 0;
  seq = 0;

  constructor() {
    const { refresh, state } = fakeRefresh();
    this.refresh = state;
    /** @type {Registry} */
    this.registry = new Registry({
      origin: "http://app.test",
      meta: (instance) => ({ url: this.registry.url(instance.module.id), env: {}, hot: this.engine.hot(instance) }),
      style: (id, text) => void this.styles.push(`mount ${id} ${text}`),
      signature: () => refresh.signature(),
      evaluated: (instance) => refresh.evaluated(instance),
      fetch: (id) => this.chunks[id]?.(id) ?? null,
      native: async (url) => ({ default: `native ${url}`, named: 1 }),
    });
    /** @type {Engine} */
    this.engine = new Engine(this.registry, {
      compile: ({ code }) => this.record(code),
      refresh,
      styles: {
        update: (id, text) => void this.styles.push(`update ${id} ${text}`),
        remove: (id) => void this.styles.push(`remove ${id}`),
      },
      send: (event, data) => void this.sent.push({ event, data }),
      report: (error) => void this.reported.push(error),
      wake: () => {
        this.wakes += 1;
      },
    });
  }

  /** @param {string} code @returns {any} */
  record(code) {
    return new Function("log", `return (${code}\n)`)((/** @type {any} */ entry) => this.log.push(entry));
  }

  /** Specifiers are ids unless `deps` says otherwise. @param {string} code @param {Record<string, any>} [deps] */
  deps(code, deps = {}) {
    const found = [...code.matchAll(/["'](\/[\w./?-]+|npm:[\w./@-]+|https?:[^"']+)["']/g)].map(([, id]) => [id, id]);
    return { ...Object.fromEntries(found), ...deps };
  }

  /** @param {Record<string, string | [code: string, deps: Record<string, any>]>} modules id → code */
  define(modules) {
    for (const [id, entry] of Object.entries(modules)) {
      const [code, deps] = typeof entry === "string" ? [entry, {}] : entry;
      this.registry.define(id, this.record(code), this.deps(code, deps));
    }
    return this;
  }

  /** @param {string} id @returns {any} the namespace, when evaluation is synchronous */
  run(id) {
    const module = this.registry.module(id);
    this.registry.link(module);
    module.entry = true;
    const pending = this.registry.evaluate(module);
    return pending ? pending.then(() => module.namespace) : module.namespace;
  }

  /** @param {Record<string, string | [code: string, deps: Record<string, string>]>} modules @param {{removed?: string[], css?: Record<string, string>}} [more] */
  update(modules, { removed = [], css = {} } = {}) {
    return this.engine.apply({
      seq: ++this.seq,
      modules: Object.entries(modules).map(([id, code]) => (Array.isArray(code) ? { id, code: code[0], deps: code[1] } : { id, code, deps: this.deps(code) })),
      removed,
      css: Object.entries(css).map(([id, code]) => ({ id, code })),
    });
  }

  /** The log since the last call. */
  drain() {
    return this.log.splice(0);
  }
}
