/**
 * The `hotplate` command on a running stack: create, push, watch, deploy, roll back, list, and where it
 * finds address and token. Nothing waits by time: what the command prints says when to go on.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { HOTPLATE } from "../worker-shims/local/places.mjs";
import { startStack } from "../worker-shims/local/stack.mjs";
import { page, platform } from "./worker/platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
const root = mkdtempSync(join(tmpdir(), "hotplate-cli-"));
before(async () => {
  stack = await startStack({ demo: false });
  at = platform(stack);
});
after(async () => {
  await stack?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** The environment without what would name another platform. @param {Record<string, string>} more */
function environment(more) {
  const { HOTPLATE_URL, HOTPLATE_TOKEN, ADMIN_TOKEN, PORT, ...rest } = process.env;
  return { ...rest, ...more };
}
const named = () => environment({ HOTPLATE_URL: stack.base, HOTPLATE_TOKEN: stack.token });

/** @param {string[]} args @param {{cwd?: string, env?: NodeJS.ProcessEnv}} [options] @returns {Promise<{code: number, stdout: string, stderr: string}>} */
function hotplate(args, { cwd = root, env = named() } = {}) {
  return new Promise((resolve) => {
    execFile(HOTPLATE, args, { cwd, env }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }));
  });
}

/** One JSON object a line. @param {string} text @returns {any[]} */
const lines = (text) => text.trim().split("\n").map((line) => JSON.parse(line));

/** @param {string} folder @param {Record<string, string>} files */
function lay(folder, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** A folder named like its app. @param {string} slug @param {Record<string, string>} [files] */
function folderOf(slug, files = page(slug)) {
  const folder = join(root, slug);
  lay(folder, files);
  return folder;
}

/** @param {string} slug @returns {Promise<string[]>} */
const paths = async (slug) => (await at.api("GET", `/v1/apps/${slug}/files`)).json.files.map((/** @type {{path: string}} */ file) => file.path).sort();

/** `hotplate dev --json`, whose events are read one by one. @param {string} folder */
function dev(folder) {
  const child = spawn(HOTPLATE, ["--json", "dev", folder], { cwd: root, env: named(), stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const reader = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** The next event of that name. @param {string} name @returns {Promise<any>} */
    async next(name) {
      for (;;) {
        const { value, done } = await reader.next();
        assert.ok(!done, `hotplate dev ended before ${name}`);
        const event = JSON.parse(value);
        if (event.event === name) return event;
      }
    },
    async interrupt() {
      child.kill("SIGINT");
      const [code, signal] = await closed;
      return { code, signal };
    },
    kill: () => child.kill("SIGKILL"),
  };
}

test("create makes an app from the starter, once", async () => {
  assert.deepEqual(lines((await hotplate(["--json", "create", "fresh"])).stdout)[0].event, "created");
  assert.ok((await paths("fresh")).includes("index.html"));
  const { revision } = (await at.api("GET", "/v1/apps/fresh")).json;
  assert.equal((await hotplate(["create", "fresh"])).code, 0);
  assert.equal((await at.api("GET", "/v1/apps/fresh")).json.revision, revision, "an app that exists is left alone");
});

test("push brings the app to the folder, without what git ignores", async () => {
  const folder = folderOf("pushed", { ...page("pushed"), ".gitignore": "secret.txt\nnode_modules\n", "secret.txt": "s", "node_modules/a/index.js": "1" });
  const pushed = await hotplate(["push", folder]);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.deepEqual(await paths("pushed"), [".gitignore", "index.html", "public/robots.txt", "src/main.ts"]);
  const { revision } = (await at.api("GET", "/v1/apps/pushed")).json;
  assert.match((await hotplate(["push", folder])).stdout, /up to date/);
  rmSync(join(folder, "public"), { recursive: true });
  await hotplate(["push", folder]);
  assert.deepEqual(await paths("pushed"), [".gitignore", "index.html", "src/main.ts"], "what is gone from the folder is deleted");
  assert.equal((await at.api("GET", "/v1/apps/pushed")).json.revision, revision + 1);
});

test("types writes what an editor needs to know, beside the sources", async () => {
  const folder = folderOf("typed");
  assert.deepEqual(lines((await hotplate(["--json", "types", folder])).stdout), [{ event: "wrote", path: join(folder, "src", "hotplate-client.d.ts") }]);
  assert.match(readFileSync(join(folder, "src", "hotplate-client.d.ts"), "utf8"), /interface ImportMeta /);
  const { code, stderr } = await hotplate(["types", join(folder, "absent")]);
  assert.deepEqual([code, stderr.includes("absent")], [1, true]);
});

test("dev sends each save as one edit, tells diagnostics, and leaves with Ctrl-C", async () => {
  const folder = folderOf("watched");
  const command = dev(folder);
  try {
    const first = await command.next("edit");
    assert.equal((await command.next("live")).url, `http://watched--live.${stack.baseDomain}/`);

    lay(folder, { "src/main.ts": "export const saved = 1;\n" });
    const saved = await command.next("edit");
    assert.deepEqual([saved.changed, saved.revision], [["src/main.ts"], first.revision + 1]);
    assert.ok(saved.ms > 0 && saved.timings.compile_ms >= 0);
    assert.equal((await at.api("GET", "/v1/apps/watched/files/src/main.ts")).text, "export const saved = 1;\n");

    lay(folder, { "src/main.ts": "export const = 1;\n" });
    const broken = await command.next("edit");
    assert.equal(broken.revision, saved.revision + 1);
    assert.deepEqual(broken.diagnostics.map((/** @type {any} */ one) => [one.file, one.line]), [["src/main.ts", 1]]);

    rmSync(join(folder, "public", "robots.txt"));
    const removed = await command.next("edit");
    assert.deepEqual([removed.changed, removed.revision], [["public/robots.txt"], broken.revision + 1]);
    assert.deepEqual(await command.interrupt(), { code: 0, signal: null });
  } finally {
    command.kill();
  }
});

test("deploy, rollback, activate and list", async () => {
  const folder = folderOf("shipped");
  const one = await hotplate(["deploy", folder]);
  assert.equal(one.code, 0, one.stderr);
  for (const state of ["building", "deploying", "deployed"]) assert.match(one.stdout, new RegExp(`\\b${state}\\b`));
  assert.equal((await at.visit("shipped", "/robots.txt")).text, "# shipped\n");

  lay(folder, page("again"));
  const two = lines((await hotplate(["--json", "deploy", folder, "--message", "second"])).stdout).at(-1).deployment;
  assert.equal(two.state, "deployed");
  assert.equal((await at.visit(`shipped--${two.id}`, "/robots.txt")).text, "# again\n");
  assert.equal((await at.visit("shipped", "/robots.txt")).text, "# again\n");

  const pointer = lines((await hotplate(["--json", "rollback", "--app", "shipped"])).stdout)[0];
  assert.equal(pointer.previous, two.id);
  assert.equal((await at.visit("shipped", "/robots.txt")).text, "# shipped\n");
  assert.equal((await hotplate(["activate", two.id, "--app", "shipped"])).code, 0);
  assert.equal((await at.visit("shipped", "/robots.txt")).text, "# again\n");

  const listed = lines((await hotplate(["--json", "list", "--app", "shipped"])).stdout);
  assert.deepEqual(listed.map((deployment) => [deployment.id, deployment.active]), [[two.id, true], [pointer.active, false]]);
  assert.ok(lines((await hotplate(["--json", "list"])).stdout).some((app) => app.slug === "shipped"));

  lay(folder, { "src/main.ts": "export const = 1;\n" });
  const failed = await hotplate(["deploy", folder]);
  assert.notEqual(failed.code, 0);
  assert.match(failed.stdout + failed.stderr, /src\/main\.ts:1:/);
  assert.equal((await at.visit("shipped", "/robots.txt")).text, "# again\n", "production is left alone");
});

describe("address and token", () => {
  test("from flags, before the environment", async () => {
    const answer = await hotplate(["list", "--url", stack.base, "--token", stack.token], { env: environment({ HOTPLATE_URL: "http://127.0.0.1:9", HOTPLATE_TOKEN: "x" }) });
    assert.equal(answer.code, 0, answer.stderr);
  });
  test("from a .dev.vars above", async () => {
    const folder = join(root, "with-vars", "deep");
    lay(join(root, "with-vars"), { ".dev.vars": `HOTPLATE_URL="${stack.base}"\nADMIN_TOKEN="${stack.token}"\n`, "deep/a.txt": "" });
    const answer = await hotplate(["list"], { cwd: folder, env: environment({}) });
    assert.equal(answer.code, 0, answer.stderr);
  });
  test("a wrong token is told", async () => {
    const answer = await hotplate(["--json", "list", "--token", "wrong-token-wrong-token"]);
    assert.notEqual(answer.code, 0);
    assert.equal(lines(answer.stdout)[0].code, "unauthorized");
  });
  test("a platform that is not there is told", async () => {
    const answer = await hotplate(["list", "--url", "http://127.0.0.1:9"]);
    assert.notEqual(answer.code, 0);
    assert.match(answer.stderr, /^error: .*127\.0\.0\.1:9/m);
  });
});
