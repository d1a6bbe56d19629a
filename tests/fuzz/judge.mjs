/**
 * What V8 and a reader of source maps say of compiled code.
 */
// @ts-check
import vm from "node:vm";

/** What only V8 knows of regular expressions: the compiler has neither Unicode's properties nor compares names. */
const ONLY_V8 = /Invalid property name|Duplicate capture group name|Invalid named reference|Invalid named capture referenced|Invalid set operation|Invalid character in character class|Range out of order/;

/**
 * Why V8 does not take code; null when it does. Of what the compiler `refused`, why V8 does.
 * @param {string} form @param {string} code
 */
export function problemOfCode(form, code) {
  if (form === "refused") return problemOfCode("module", code) ? null : "it is refused, but V8 takes it";
  try {
    if (form === "module") new /** @type {any} */ (vm).SourceTextModule(code);
    else new vm.Script(form === "expression" ? `(${code}\n)` : code);
    return null;
  } catch (error) {
    const { name, message, stack } = /** @type {Error} */ (error);
    if (message.startsWith("Invalid regular expression: ") && ONLY_V8.test(message)) return form === "module" ? message : null;
    return `V8 refuses the ${form}: ${name}: ${message}\n${stack?.split("\n").slice(0, 3).join("\n").slice(0, 600)}`;
  }
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of one segment of a source map. @param {string} segment */
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2);
    value = shift = 0;
  }
  return found;
}

/** What is wrong with a source map: places that are not in its texts. @param {string} code @param {string} text */
export function problemOfMap(code, text) {
  const map = JSON.parse(text);
  const generated = code.split("\n");
  const sources = map.sourcesContent?.map((/** @type {string | null} */ source) => source?.split("\n"));
  let [source, line, column] = [0, 0, 0];
  for (const [at, segments] of map.mappings.split(";").entries()) {
    let from = 0;
    for (const segment of segments.split(",").filter(Boolean)) {
      const [add, addSource, addLine = 0, addColumn = 0] = numbers(segment);
      from += add;
      if (at >= generated.length || from > generated[at].length) return `the map names ${at}:${from} of the code, which is not there`;
      if (addSource === undefined) continue;
      source += addSource;
      line += addLine;
      column += addColumn;
      if (source < 0 || source >= map.sources.length) return `the map names source ${source} of ${map.sources.length}`;
      const lines = sources?.[source];
      if (lines && (line < 0 || line >= lines.length || column < 0 || column > lines[line].length)) {
        return `the map names ${line}:${column} of the source, which is not there (from ${at}:${from})`;
      }
    }
  }
  return null;
}
