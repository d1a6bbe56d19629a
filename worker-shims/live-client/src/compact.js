/**
 * The calls by which scripts of releases define modules. Modules and their imports are numbers there, and a
 * module's code is a function: namespaces of what it imports in, names of what it exports out. Each call
 * makes of that the record which the registry knows (ARCHITECTURE.md, "Registry").
 */
// @ts-check

/** @import { Binding, Body, CommonJsRecord, Dependencies, Dependency, Handle, ModuleRecord } from "./module.js" */
/** @import { Registry } from "./registry.js" */

/**
 * @typedef {string | number} Id
 * @typedef {object} More what only some modules have
 * @property {Record<string, Dependency>} [deps] of what is not imported statically
 * @property {number[]} [eager] patterns whose matches are imported statically too
 * @property {string} [url] its path, for `import.meta.url`
 * @property {boolean} [value] CommonJS sees its default export
 */

/** Imports by position, others by specifier. @param {Dependency[]} imports @param {Record<string, Dependency>} [others] */
const dependencies = (imports, others) => /** @type {Dependencies} */ (/** @type {unknown} */ (Object.assign([...imports], others)));

/** @param {Registry} registry */
export const calls = (registry) => ({
  /** An ES module. @param {Id} id @param {Dependency[]} imports @param {(...namespaces: any[]) => Body} run @param {More} [more] */
  e(id, imports, run, { deps, ...more } = {}) {
    const positions = [...imports.keys()];
    registry.define(id, { kind: "esm", imports: positions, run: (h) => run(...positions.map(h.import), h), ...more }, dependencies(imports, deps));
  },
  /** A CommonJS module. @param {Id} id @param {CommonJsRecord["run"]} run @param {Dependencies} [deps] */
  c(id, run, deps) {
    registry.define(id, { kind: "cjs", run }, deps);
  },
  /**
   * A module that passes on what others export: by position (their default), or by position and name.
   * @param {Id} id @param {Dependency[]} imports @param {Record<string, number | [number, string]>} names
   * @param {number[]} [stars]
   */
  b(id, imports, names, stars = []) {
    /** @param {Handle} h @returns {Body} */
    function* run(h) {
      for (const position of stars) h.exportAll(position);
      /** @type {Record<string, () => unknown>} */
      const getters = {};
      for (const name of Object.keys(names)) {
        const from = names[name];
        const [position, imported] = typeof from === "number" ? [from, "default"] : from;
        const namespace = /** @type {Record<string, unknown>} */ (h.import(position));
        getters[name] = imported === "*" ? () => namespace : () => namespace[imported];
      }
      yield getters;
    }
    registry.define(id, { kind: "esm", imports: [...imports.keys()], run }, dependencies(imports));
  },
  /** A file's URL. @param {Id} id @param {string} url */
  u(id, url) {
    /** @returns {Body} */
    function* run() {
      yield { default: () => url };
    }
    registry.define(id, { kind: "esm", value: true, run });
  },
  /** Any other record. @param {Id} id @param {ModuleRecord} record @param {Dependencies} [deps] */
  r(id, record, deps) {
    registry.define(id, record, deps);
  },
});
