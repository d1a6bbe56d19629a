/**
 * The local stack: configuration, child processes, and two real stacks side by side.
 * The stack's parts must be built (`npm test` does that first).
 */
// @ts-check
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { freePort, parseVars, readConfiguration, requireFree } from "../worker-shims/local/configuration.mjs";
import { ROOT } from "../worker-shims/local/places.mjs";
import { start } from "../worker-shims/local/processes.mjs";
import { startStack } from "../worker-shims/local/stack.mjs";

const folder = mkdtempSync(join(tmpdir(), "hotplate-stack-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const state = (/** @type {string} */ name) => join(folder, name);

/** @type {[string, Record<string, string>][]} */
const VARS = [
  ["A=b", { A: "b" }],
  ['A="b c" # said\nexport B=\'#x\'\n# C=d\n', { A: "b c", B: "#x" }],
  ["A=\r\nB = c # no\r\n", { A: "", B: "c" }],
  ["nonsense\n=x\n", {}],
];
for (const [file, vars] of VARS) test(`.dev.vars: ${JSON.stringify(file)}`, () => assert.deepEqual(parseVars(file), vars));

test("secrets are made once, kept private, and follow what is set", () => {
  const first = readConfiguration({ HOTPLATE_STATE: state("secrets") });
  const second = readConfiguration({ HOTPLATE_STATE: state("secrets") });
  assert.deepEqual(second, first);
  assert.notEqual(first.adminToken, first.buildSecret);
  assert.equal(statSync(join(state("secrets"), ".dev.vars")).mode & 0o077, 0);
  assert.equal(readConfiguration({ HOTPLATE_STATE: state("secrets"), ADMIN_TOKEN: "a-token-of-my-own" }).adminToken, "a-token-of-my-own");
});

test("a file that does not end in a line break is added to, not broken", () => {
  readConfiguration({ HOTPLATE_STATE: state("append"), ADMIN_TOKEN: "a-token-of-my-own" });
  const file = join(state("append"), ".dev.vars");
  writeFileSync(file, "PORT=9999");
  assert.equal(readConfiguration({ HOTPLATE_STATE: state("append") }).port, 9999);
  assert.match(readFileSync(file, "utf8"), /^PORT=9999\nADMIN_TOKEN="[\w-]{32}"\nBUILD_SERVICE_SECRET="[\w-]{32}"\nSECRETS_KEY="[\w-]{32}"\n$/);
});

/** @type {[Record<string, string>, RegExp][]} */
const MALFORMED = [
  [{ PORT: "http" }, /^PORT must be a whole number from 1 to 65535, not `http`$/],
  [{ PORT: "0" }, /^PORT/],
  [{ BUILD_SERVICE_PORT: "65536" }, /^BUILD_SERVICE_PORT/],
  [{ PORT: "9000", BUILD_SERVICE_PORT: "9000" }, /^PORT and BUILD_SERVICE_PORT are both 9000$/],
  [{ HOTPLATE_DEMO: "yes" }, /^HOTPLATE_DEMO must be 0 or 1/],
  [{ ADMIN_TOKEN: "short" }, /^ADMIN_TOKEN must be 16 to 200/],
  [{ BUILD_SERVICE_SECRET: "with a space and a \" quote" }, /^BUILD_SERVICE_SECRET must be/],
  [{ MAX_BUNDLE_BYTES: "-1" }, /^MAX_BUNDLE_BYTES/],
  [{ HOTPLATE_STATE: "/dev/null/x" }, /^HOTPLATE_STATE/],
];
for (const [env, message] of MALFORMED) {
  test(`malformed: ${JSON.stringify(env)}`, () => {
    assert.throws(() => readConfiguration({ HOTPLATE_STATE: state("malformed"), ...env }), { message });
  });
}

test("a taken port is one line that names it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await assert.rejects(requireFree("PORT", port), { message: `port ${port} is taken: stop what uses it, or set PORT` });
  const child = spawn(process.execPath, [join(ROOT, "worker-shims/local/start.mjs")], { env: { ...process.env, PORT: String(port), HOTPLATE_STATE: state("taken") }, stdio: ["ignore", "ignore", "pipe"] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  assert.deepEqual([said, code], [`hotplate: port ${port} is taken: stop what uses it, or set PORT\n`, 1]);
  server.close();
});

test("a stop reaches the children of a child", async () => {
  const grandchild = "process.on('SIGTERM', () => {}); require('net').createServer().listen(process.argv[1], '127.0.0.1', () => console.log('up')); setInterval(() => {}, 1e6)";
  const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}, process.argv[1]], { stdio: 'inherit' }); setInterval(() => {}, 1e6)`;
  const port = await freePort();
  const child = start({ command: process.execPath, args: ["-e", script, String(port)], log: join(folder, "group.log") });
  while (child.lastLine() !== "up") await new Promise(setImmediate);
  await assert.rejects(requireFree("PORT", port));
  await child.stop();
  await requireFree("PORT", port);
});

test("two stacks run side by side, and state survives a restart", async () => {
  const [one, two] = await Promise.all([startStack(), startStack()]);
  try {
    /** @param {typeof one} stack @param {string} path @param {RequestInit & {token?: string}} [init] */
    const call = async (stack, path, { token = stack.token, ...init } = {}) => {
      const response = await fetch(`${stack.apiUrl}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" } });
      await response.arrayBuffer();
      return response.status;
    };
    assert.equal(await call(one, "/apps", { method: "POST", body: JSON.stringify({ slug: "kept" }) }), 201);
    assert.deepEqual([await call(one, "/apps/kept"), await call(two, "/apps/kept")], [200, 404]);
    assert.equal(await call(two, "/apps", { token: one.token }), 401);
    await one.restart();
    assert.equal(await call(one, "/apps/kept"), 200);
    const { status } = await fetch(`${one.base}/client/v4/accounts/local/workers/dispatch/namespaces/hotplate/scripts`);
    assert.equal(status, 401, "the namespace's API is there and asks for its token");
  } finally {
    await Promise.all([one.stop(), two.stop()]);
  }
});
