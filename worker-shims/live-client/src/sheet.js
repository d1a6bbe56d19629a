/**
 * Style sheets as modules: which sheets they import, what their text refers to, and the class names
 * that `composes` brings from other sheets.
 *
 * Puts nothing into the page; `styles.js` does.
 */
// @ts-check

/** @import { Instance, Module, ModuleRecord } from "./module.js" */
/** @import { Registry } from "./registry.js" */

/** What the linker leaves of a `url()` whose file is in the vendor chunk (src/linker/src/styles.rs). */
const PLACEHOLDER = /__hotplate_asset__\((.*?)\)__/g;

/** Sheets that a sheet imports, in order; those that nobody found are told by the room. @param {Registry} registry
 * @param {Instance} instance @returns {Module[]} */
export function importedSheets(registry, instance) {
  const { record } = instance;
  const specifiers = record.kind === "style" ? (record.imports ?? []) : [];
  const modules = specifiers.map((specifier) => registry.resolve(instance, specifier)?.module);
  return modules.filter((module) => module !== undefined && module.record?.kind === "style").map((module) => /** @type {Module} */ (module));
}

/** A sheet's text with the URLs that only this page knows. @param {Registry} registry @param {Instance} instance @param {string} text */
export function sheetText(registry, instance, text) {
  if (!text.includes("__hotplate_asset__(")) return text;
  return text.replace(PLACEHOLDER, (_, specifier) => (registry.resolve(instance, specifier) ? registry.asset(instance, specifier).href : specifier));
}

/** Class names by what the sheet calls them, made when somebody reads them: in a cycle of sheets they are known only
 * when all are linked. @param {Registry} registry @param {Instance} instance @returns {() => Record<string, string>} */
export function classNames(registry, instance) {
  const record = /** @type {import("./module.js").StyleRecord} */ (instance.record);
  if (!record.composes) {
    const names = record.exports ?? {};
    return () => names;
  }
  /** @type {Record<string, string> | undefined} */
  let names;
  return () => (names ??= Object.fromEntries(Object.keys(record.exports ?? {}).map((local) => {
    /** @type {Set<string>} */
    const found = new Set();
    collect(registry, instance, local, found, new Set());
    return [local, [...found].join(" ")];
  })));
}

/** @param {Registry} registry @param {Instance} instance @param {string} local @param {Set<string>} found @param {Set<string>} seen */
function collect(registry, instance, local, found, seen) {
  const { record, module } = instance;
  const place = `${local} ${module.id}`;
  if (record.kind !== "style" || seen.has(place) || !Object.hasOwn(record.exports ?? {}, local)) return;
  seen.add(place);
  for (const name of record.exports?.[local].split(" ") ?? []) found.add(name);
  for (const [specifier, name] of (Object.hasOwn(record.composes ?? {}, local) && record.composes?.[local]) || []) {
    const target = registry.resolve(instance, specifier)?.module.instance;
    if (target) collect(registry, target, name, found, seen);
  }
}

/** Whether two versions of a sheet give their importers the same. @param {ModuleRecord | null} before @param {ModuleRecord | null} after */
export function sameNames(before, after) {
  if (before?.kind !== "style" || after?.kind !== "style") return false;
  const names = (/** @type {import("./module.js").StyleRecord} */ { exports = {}, composes = {} }) => JSON.stringify([exports, composes]);
  return names(before) === names(after);
}
