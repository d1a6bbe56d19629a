/**
 * Real packages, one page each: it opens live and as a deployment, shows what it should, and the console
 * stays clean. The packages come from the registry at test time; `src/App.tsx` of each is ours.
 */
// @ts-check
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, openPlatform, problems } from "./platform.mjs";

const FIXTURES = join(ROOT, "tests", "fixtures", "packages");
const REACT = { react: "19.3.1", "react-dom": "19.3.1" };
const SHELL = {
  "index.html": '<!doctype html><html><head><link rel="icon" href="data:,"></head><body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>',
  "src/main.tsx": 'import { StrictMode } from "react";\nimport { createRoot } from "react-dom/client";\nimport { App } from "./App";\n\ncreateRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);\n',
};

/** @type {import("./platform.mjs").Platform} */
let platform;
before(async () => {
  platform = await openPlatform();
});
after(() => platform?.close());

/** The app of a fixture. @param {string} name @returns {Record<string, string>} */
function app(name) {
  const folder = join(FIXTURES, name);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const own = Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
  const { dependencies } = JSON.parse(own["package.json"]);
  return { ...SHELL, ...own, "package.json": JSON.stringify({ dependencies: { ...REACT, ...dependencies } }) };
}

/** What a page shows, and what it complains about. @param {string} url */
async function shown(url) {
  const page = await platform.browser.newPage();
  const complaints = problems(page);
  try {
    await page.goto(url);
    const output = page.locator("output").first();
    await output.waitFor({ state: "attached", timeout: 60_000 }).catch((error) => {
      throw new Error(`${url} shows nothing: ${error.message}\n${complaints.join("\n")}`);
    });
    return { text: await output.textContent(), complaints };
  } finally {
    await page.close();
  }
}

for (const name of readdirSync(FIXTURES).sort()) {
  test(name, async () => {
    const { "expected.txt": expected, ...files } = app(name);
    const right = { text: expected.trimEnd(), complaints: [] };
    await platform.ok("POST", "/apps", { slug: name });
    const edited = await platform.edit(name, files);
    assert.deepEqual(edited.diagnostics, []);
    assert.deepEqual(await shown(platform.live(name)), right, "live");
    const deployment = await platform.deploy(name);
    assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error, null, 1));
    assert.deepEqual(await shown(platform.host(name)), right, "deployed");
    // Stated for people who compare; nothing depends on them.
    console.log(`${name}: ${deployment.bundle.bytes} bytes, ${deployment.bundle.gzip_bytes} gzipped, total ${deployment.timings.total_ms} ms`);
  });
}
