/**
 * A hot-replacement fixture: a folder with an app, its later edits and a script.
 *
 * `src/App.hmr-2.tsx` is what `src/App.tsx` becomes in edit 2; an empty one deletes the file. All files of
 * one number are one edit. What a fixture does not have itself it takes from `base/`.
 */
// @ts-check
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const FIXTURES = join(FOLDER, "fixtures");
const EDIT = /^(.+)\.hmr-(\d+)(\.[^.]+)?$/;

/**
 * One step: first what is done, then what is expected, in the order of the members here.
 * @typedef {object} Step
 * @property {string} [in] another tab, opened when first named
 * @property {string} [visit] a path of the app, loaded in this tab
 * @property {string} [click] @property {[string, string]} [type] @property {string} [press] @property {string} [run] JavaScript
 * @property {number} [edit] number of the edit
 * @property {"hot" | "failed" | "reload" | "none" | "refused"} [outcome] of the edit; `hot` when absent;
 *   `none`: nobody needs to be told; `refused`: it does not compile
 * @property {string} [keep] elements that are to be the same ones later @property {string} [kept] @property {string} [remounted]
 * @property {Record<string, string | null>} [text] by selector; null: there is no such element
 * @property {Record<string, unknown>} [value] by expression
 * @property {string[]} [console] every line logged since the last look
 * @property {string[]} [problems] beginnings of all errors and warnings since the last look
 * @property {string[] | null} [overlay] what it says; null: there is none
 */

/**
 * @typedef {{name: string, files: Record<string, string>, edits: Map<number, Record<string, string | null>>, steps: Step[]}} Fixture
 */

/** @param {string} folder @returns {Record<string, string>} */
function read(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => [relative(folder, join(parentPath, name)), readFileSync(join(parentPath, name), "utf8")]),
  );
}

const BASE = read(join(FOLDER, "base"));

/** Names of all fixtures: `react/keeps-state`. */
export const fixtureNames = () =>
  readdirSync(FIXTURES).flatMap((group) => readdirSync(join(FIXTURES, group)).map((name) => `${group}/${name}`)).sort();

/** @param {string} name @returns {Fixture} */
export function readFixture(name) {
  const { "script.json": script, ...own } = read(join(FIXTURES, name));
  /** @type {Record<string, string>} */
  const files = { ...BASE };
  /** @type {Fixture["edits"]} */
  const edits = new Map();
  for (const [path, content] of Object.entries(own)) {
    const edit = EDIT.exec(path);
    if (!edit) {
      files[path] = content;
      continue;
    }
    const [, stem, number, extension = ""] = edit;
    const changes = edits.get(Number(number)) ?? {};
    changes[stem + extension] = content === "" ? null : content;
    edits.set(Number(number), changes);
  }
  if (!script) throw new Error(`${name} has no script.json`);
  return { name, files, edits, steps: JSON.parse(script).steps };
}
