/**
 * The generated app of the benchmarks: so many components, each with two of 1,500 icons of lucide-react, in
 * groups of fifty. Measures nothing.
 */
// @ts-check
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const ICONS = 1_500;

/** A component of some forty lines; `text` is what an edit changes. @param {number} index @param {string[]} icons @param {string} text */
const component = (index, icons, text) => `import { useCallback, useMemo, useState } from "react";
import { ${icons.join(", ")} } from "lucide-react";
import { describe } from "../lib/describe";

interface Item { id: number; label: string; done: boolean }
type Props = { title?: string; initial?: Item[] };

const EMPTY: Item[] = [];

export function Component${index}({ title = ${JSON.stringify(text)}, initial = EMPTY }: Props) {
  const [items, setItems] = useState<Item[]>(initial);
  const [filter, setFilter] = useState<"all" | "open">("all");
  const shown = useMemo(() => (filter === "all" ? items : items.filter((item) => !item.done)), [items, filter]);
  const add = useCallback(() => {
    setItems((before) => [...before, { id: before.length, label: \`item \${before.length}\`, done: false }]);
  }, []);
  const toggle = (id: number) => {
    setItems((before) => before.map((item) => (item.id === id ? { ...item, done: !item.done } : item)));
  };
  return (
    <section className="component" data-index={${index}}>
      <h2>{title} {describe(${index})}</h2>
      ${icons.map((icon) => `<${icon} size={16} />`).join(" ")}
      <ul>
        {shown.map((item) => (
          <li key={item.id} onClick={() => toggle(item.id)} className={item.done ? "done" : "open"}>{item.label}</li>
        ))}
      </ul>
      <button type="button" onClick={add}>add</button>
      <button type="button" onClick={() => setFilter(filter === "all" ? "open" : "all")}>{filter}</button>
    </section>
  );
}
`;

/**
 * The app as texts by path, and the texts of its two edits: a leaf component, and the root component.
 * @param {number} size components @param {string} packages a `node_modules` that has lucide-react
 */
export function generate(size, packages) {
  const names = readdirSync(join(packages, "lucide-react", "dist", "esm", "icons"))
    .filter((file) => /^[a-z]+(-[a-z]+)*\.m?js$/.test(file) && !file.startsWith("index."))
    .map((file) => file.replace(/\.m?js$/, "").split("-").map((part) => part[0].toUpperCase() + part.slice(1)).join(""))
    .slice(0, ICONS);
  const iconsOf = (/** @type {number} */ index) => [names[(index * 2) % names.length], names[(index * 2 + 1) % names.length]];
  const range = (/** @type {number} */ length) => Array.from({ length }, (_, index) => index);
  const groups = range(Math.ceil(size / 50));
  const root = (/** @type {string} */ text) => `${groups.map((group) => `import { Group${group} } from "./Group${group}";\n`).join("")}
export const App = () => <main><h1>${text}</h1>${groups.map((group) => `<Group${group} />`).join("")}</main>;
`;
  const leaf = (/** @type {string} */ text) => component(0, iconsOf(0), text);
  /** @type {Record<string, string>} */
  const files = {
    "index.html": '<!doctype html><html><head></head><body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>',
    "package.json": JSON.stringify({ type: "module", dependencies: { react: "19.3.1", "react-dom": "19.3.1", "lucide-react": "1.77.0" } }),
    "src/main.tsx": 'import { createRoot } from "react-dom/client";\nimport { App } from "./App";\ncreateRoot(document.getElementById("root")!).render(<App />);\n',
    "src/lib/describe.ts": "export const describe = (index: number): string => `number ${index}`;\n",
    "src/App.tsx": root("Generated"),
  };
  for (let index = 0; index < size; index += 1) files[`src/components/Component${index}.tsx`] = component(index, iconsOf(index), "Component");
  for (const group of groups) {
    const members = range(Math.min(50, size - group * 50)).map((index) => group * 50 + index);
    files[`src/Group${group}.tsx`] = `${members.map((index) => `import { Component${index} } from "./components/Component${index}";\n`).join("")}
export const Group${group} = () => <>${members.map((index) => `<Component${index} />`).join("")}</>;
`;
  }
  return { files, leaf: { path: "src/components/Component0.tsx", text: leaf }, root: { path: "src/App.tsx", text: root } };
}

/** Writes texts by path. @param {string} folder @param {Record<string, string>} files */
export function lay(folder, files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
