/**
 * Namespace objects: names resolved through `export *`, and the views that ES modules have of
 * CommonJS modules and the other way round. Decides nothing about when modules run.
 *
 * Objects are filled with getters instead of being proxies: reading `_react.useState` is on the hot
 * path of every render.
 */
// @ts-check

/** @import { Binding, Instance, Module } from "./module.js" */

const SCRIPT = /\.[cm]?[jt]sx?$/;

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

/** @param {Instance} instance @param {string} name @returns {() => unknown} */
function ownGetter(instance, name) {
  const get = instance.getters[name];
  const { record } = instance;
  if (!instance.acceptedExports && !(record.kind === "esm" && record.refresh)) return get;
  const { read } = instance.module;
  return () => {
    read.add(name);
    return get();
  };
}

/** @param {Module} owner @param {any} exports @returns {Map<string, Binding>} */
function commonJsTable(owner, exports) {
  const table = new Map();
  if (!isObject(exports)) return table;
  for (const name of Object.getOwnPropertyNames(exports)) {
    if (name !== "__esModule") {
      const get = () => exports[name];
      table.set(name, { get, peek: get, owner, name });
    }
  }
  return table;
}

/** @param {Instance} instance @returns {Map<string, Binding>} */
function esTable(instance) {
  /** @type {Map<string, Binding>} */
  const table = new Map();
  for (const name of Object.keys(instance.getters)) {
    table.set(name, { get: ownGetter(instance, name), peek: instance.getters[name], owner: instance.module, name });
  }
  const own = new Set(table.keys());
  for (const star of instance.stars) {
    for (const [name, binding] of star.table) {
      if (name === "default" || own.has(name)) continue;
      const candidates = binding.conflict ?? [binding];
      const known = table.get(name);
      if (!known) {
        table.set(name, binding);
        continue;
      }
      const all = known.conflict ?? [known];
      const more = candidates.filter((c) => !all.some((k) => k.owner === c.owner && k.name === c.name));
      if (more.length) table.set(name, { ...known, conflict: [...all, ...more] });
    }
  }
  return table;
}

/**
 * Two modules may re-export one binding under one name, which is not ambiguous. A re-export looks
 * like an export of its own here, so the values decide.
 * @param {Binding} binding
 */
function isAmbiguous(binding) {
  if (!binding.conflict) return false;
  try {
    const [first, ...rest] = binding.conflict.map(({ peek }) => peek());
    return rest.some((value) => !Object.is(value, first));
  } catch {
    return true;
  }
}

/** @param {Map<string, Binding>} a @param {Map<string, Binding>} b */
function sameTable(a, b) {
  if (a.size !== b.size) return false;
  for (const [name, one] of a) {
    const other = b.get(name);
    if (!other || other.get !== one.get || other.conflict?.length !== one.conflict?.length) return false;
  }
  return true;
}

/**
 * Gives `target` exactly these getters. Names are sorted, as a module namespace's are.
 * @param {Record<string, any>} target @param {Map<string, () => unknown>} getters
 */
function fill(target, getters) {
  for (const name of Object.keys(target)) {
    if (!getters.has(name)) delete target[name];
  }
  for (const name of [...getters.keys()].sort()) {
    Object.defineProperty(target, name, { get: getters.get(name), enumerable: true, configurable: true });
  }
}

/** @param {Module} module @returns {Map<string, () => unknown>} */
function visible(module) {
  const getters = new Map();
  for (const [name, binding] of module.table) {
    if (!isAmbiguous(binding)) getters.set(name, binding.get);
  }
  return getters;
}

/**
 * An ES module's view of CommonJS: `default` is `module.exports`, unless the module says that it was
 * compiled from an ES module, has a `default` to show for it, and the importer is not in Node's mode.
 * @param {Record<string, any>} view @param {any} exports @param {boolean} node
 */
function fillInterop(view, exports, node) {
  const getters = new Map();
  if (isObject(exports)) {
    for (const name of Object.getOwnPropertyNames(exports)) getters.set(name, () => exports[name]);
    const prototype = Object.getPrototypeOf(exports);
    // Methods of a class instance that is `module.exports` are importable names.
    if (prototype !== Object.prototype && prototype !== Function.prototype) Object.setPrototypeOf(view, prototype);
  }
  const compiled = isObject(exports) && exports.__esModule && Object.hasOwn(exports, "default");
  if (node || !compiled) getters.set("default", () => exports);
  fill(view, getters);
  if (getters.has("__esModule")) {
    Object.defineProperty(view, "__esModule", { enumerable: false });
  }
}

/**
 * Brings the namespace and the views of `module` up to date with its instance, then those of the
 * modules that have `export *` from it.
 * @param {Module} module @param {Set<Module>} [path] guards against cycles of `export *`
 */
export function syncNamespace(module, path = new Set()) {
  const { instance } = module;
  if (!instance || path.has(module)) return;
  const before = module.table;
  if (instance.record.kind === "cjs") {
    const exports = instance.commonJs?.exports;
    module.table = commonJsTable(module, exports);
    for (const [mode, view] of module.views) fillInterop(view, exports, mode === "node");
  } else {
    module.table = esTable(instance);
    const getters = visible(module);
    fill(module.namespace, getters);
    const view = module.views.get("require");
    if (view) fill(view, getters);
  }
  if (module.starImporters.size === 0 || sameTable(before, module.table)) return;
  path.add(module);
  for (const importer of module.starImporters) syncNamespace(importer, path);
  path.delete(module);
}

/** What an `import` of `module` gives. @param {Module} module @param {boolean} node importer is in Node's mode */
export function importView(module, node) {
  if (module.record?.kind !== "cjs") return module.namespace;
  const mode = node ? "node" : "interop";
  let view = module.views.get(mode);
  if (!view) {
    view = /** @type {Record<string, any>} */ (Object.create(null));
    Object.defineProperty(view, Symbol.toStringTag, { value: "Module" });
    module.views.set(mode, view);
    if (module.instance?.commonJs) fillInterop(view, module.instance.commonJs.exports, node);
  }
  return view;
}

/**
 * Whether CommonJS sees a value and no module: JSON, style sheets, assets. Releases shorten ids, so
 * the specifier has a say.
 * @param {Module} module @param {string} specifier
 */
function isValue({ id, instance, table }, specifier) {
  if (!table.has("default")) return false;
  const record = instance?.record;
  if (record?.kind === "style" || (record?.kind === "esm" && record.value) || /\.json$/.test(specifier)) return true;
  // A number in releases, whose records say it.
  if (typeof id !== "string") return false;
  const path = id.replace(/[?#].*$/, "");
  return path.includes(".") && (path !== id || !SCRIPT.test(path));
}

/** What a `require` of an evaluated `module` gives. @param {Module} module @param {string} specifier @returns {unknown} */
export function requireView(module, specifier) {
  const { instance } = module;
  if (instance?.commonJs) return instance.commonJs.exports;
  const { table } = module;
  if (table.has("module.exports")) return table.get("module.exports")?.get();
  if (isValue(module, specifier)) return table.get("default")?.get();
  if (table.has("__esModule")) return module.namespace;
  let view = module.views.get("require");
  if (!view) {
    view = Object.defineProperty({}, "__esModule", { value: true });
    module.views.set("require", view);
    fill(view, visible(module));
  }
  return view;
}
