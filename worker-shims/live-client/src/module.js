/**
 * The data of the registry: a `Module` is a place in the table, an `Instance` one execution of it.
 *
 * A module outlives its instances: importers hold its namespace object, whose identity never changes,
 * and an update gives it a new instance. Nothing here runs module code.
 */
// @ts-check

/**
 * @typedef {string | number} Id a number in releases
 * @typedef {string | number} Specifier as written; in releases the position of a static import
 * @typedef {Id | [id: string, mode: "node"]} Dependency a negative number is the complement of an id, in Node's mode
 * @typedef {Record<Specifier, Dependency>} Dependencies specifier as written → id
 */

/**
 * @typedef {object} Handle what a record's `run` gets as `h`
 * @property {(getters: Record<string, () => unknown>) => void} export
 * @property {(specifier: Specifier) => void} exportAll
 * @property {(specifier: Specifier) => object} import
 * @property {(specifier: string) => Promise<object>} dynamicImport
 * @property {(specifier: string) => unknown} require
 * @property {object} meta
 * @property {(index: number, eager: boolean, name?: string) => Record<string, unknown>} glob
 * @property {(specifier: string) => URL} asset
 * @property {(type: unknown, name: string) => void} register
 * @property {() => Function} signature
 */

/** @typedef {Iterator<Record<string, () => unknown> | undefined> | AsyncIterator<unknown>} Body its first step may bring what it exports */

/**
 * @typedef {{kind: "esm", imports?: Specifier[], eager?: number[], refresh?: boolean, async?: boolean, url?: string, value?: boolean, run(h: Handle): Body}} EsmRecord
 * @typedef {{kind: "cjs", run(module: CommonJsModule, exports: unknown, require: Function, h: Handle): void}} CommonJsRecord
 * @typedef {{kind: "style", imports?: string[], exports?: Record<string, string>, composes?: Record<string, [specifier: string, name: string][]>}} StyleRecord
 * @typedef {EsmRecord | CommonJsRecord | StyleRecord} ModuleRecord
 * @typedef {{exports: any, id: string, loaded: boolean}} CommonJsModule
 */

/**
 * @typedef {object} Binding one name of a module, and where its value really comes from
 * @property {() => unknown} get
 * @property {() => unknown} peek the same without leaving a trace
 * @property {Module} owner
 * @property {string} name
 * @property {Binding[]} [conflict] the candidates, when several `export *` bring the name
 */

/** @typedef {"fresh" | "linking" | "linked" | "evaluating" | "evaluated"} Phase */

/** A place in the table. */
export class Module {
  /** @param {Id} id */
  constructor(id) {
    /** A number in releases, where nothing takes it for a text. */
    this.id = /** @type {string} */ (id);
    /** @type {ModuleRecord | null} null: not defined (yet, or any more) */
    this.record = null;
    /** @type {Dependencies} */
    this.deps = {};
    /** @type {string | null} the text it was defined from, when it came as an update */
    this.code = null;
    /** @type {Instance | null} */
    this.instance = null;
    /** Stable: importers keep it across executions. @type {Record<string, any>} */
    this.namespace = Object.create(null);
    Object.defineProperty(this.namespace, Symbol.toStringTag, { value: "Module" });
    /** @type {Map<string, Binding>} every exported name, `export *` resolved */
    this.table = new Map();
    /** Namespace objects by kind of edge: "interop" and "node" of CommonJS, "require" of ES modules.
     * @type {Map<"interop" | "node" | "require", Record<string, any>>} */
    this.views = new Map();
    /** @type {Set<Module>} whose current instance imports this one */
    this.importers = new Set();
    /** @type {Set<Module>} whose current instance has `export *` from this one */
    this.starImporters = new Set();
    /** Exports that somebody read and may still hold; noted for `acceptExports` and for Fast Refresh. @type {Set<string>} */
    this.read = new Set();
    /** Position in the order of first execution; 0 before. */
    this.order = 0;
    /** Started by the page itself. */
    this.entry = false;
    /** `import.meta.hot.data`. @type {Record<string, any>} */
    this.data = {};
  }
}

/** One execution of a module. */
export class Instance {
  /** @param {Module} module @param {ModuleRecord} record */
  constructor(module, record) {
    this.module = module;
    this.record = record;
    this.deps = module.deps;
    /** @type {Record<string, () => unknown>} */
    this.getters = Object.create(null);
    /** @type {Module[]} */
    this.stars = [];
    /** @type {Set<Module>} */
    this.imports = new Set();
    /** @type {Phase} */
    this.phase = "fresh";
    /** @type {{error: unknown} | null} */
    this.failure = null;
    /** @type {Body | null} */
    this.body = null;
    /** The first step of an async body, which runs at once but settles later. @type {Promise<unknown> | null} */
    this.first = null;
    /** Set while evaluation is under way asynchronously. @type {Promise<void> | null} */
    this.pending = null;
    /** @type {CommonJsModule | null} */
    this.commonJs = null;
    /** @type {import("./hot.js").HotContext | null} */
    this.hot = null;
    /** Names whose readers an update need not tell, from `acceptExports`. @type {Set<string> | null} */
    this.acceptedExports = null;
    /** When its body began to run, in the order of all executions; 0 before. */
    this.ran = 0;
    /** Components that the body registered, until it has run. @type {[type: unknown, name: string][]} */
    this.components = [];
    /** What Fast Refresh compares: exports by name; null when it is no refresh boundary.
     * @type {Map<string, import("./refresh.js").Exported> | null} */
    this.exported = null;
    /** @type {import("./evaluate.js").Walk | null} */
    this.walk = null;
    this.index = 0;
    this.low = 0;
    /** Root of its import cycle. @type {Instance} */
    this.root = this;
  }
}

/**
 * What a module imports statically, in order: what it names, then what its eager patterns match.
 * @param {EsmRecord} record @param {Dependencies} deps @returns {Specifier[]}
 */
export function staticImports({ imports = [], eager = [] }, deps) {
  if (eager.length === 0) return imports;
  const prefixes = eager.map((index) => `glob:${index}:`);
  return [...imports, ...Object.keys(deps).filter((specifier) => prefixes.some((prefix) => specifier.startsWith(prefix)))];
}

/**
 * A value no case is left for: a compile-time error when one is forgotten, a thrown one at run time.
 * @param {never} value @param {string} what @returns {never}
 */
export function unreachable(value, what) {
  throw new TypeError(`unknown ${what}: ${JSON.stringify(value)}`);
}
