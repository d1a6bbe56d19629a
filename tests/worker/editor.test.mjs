// @ts-check
/**
 * The editor's end of the room in workerd: who may connect, what it is told of viewers, edits as messages,
 * custom events both ways, what previews report, and the limits of all that.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack();
  at = platform(stack);
});
after(() => stack?.stop());

/** @param {string} type */
const is = (type) => (/** @type {any} */ message) => message.type === type;
/** @param {any[]} messages */
const types = (messages) => messages.map(({ type }) => type);
/** Everybody an editor hears of as it comes in. @param {any} editor */
const present = async (editor) => (await editor.until(is("presence"))).viewers;

describe("who may connect", () => {
  before(() => at.app("door", page("0")));

  test("a holder of a token, in the header or in a subprotocol", async () => {
    const byHeader = await at.editor("door");
    assert.equal(byHeader.protocol, "");
    const both = await at.editor("door", { protocols: ["hotplate.v1"] });
    assert.equal(both.protocol, "hotplate.v1");
    const bySubprotocol = await at.editor("door", { headers: {}, protocols: ["hotplate.v1", `bearer.${encodeURIComponent(stack.token)}`] });
    assert.equal(bySubprotocol.protocol, "hotplate.v1", "the token is not echoed");
    for (const editor of [byHeader, both, bySubprotocol]) {
      assert.deepEqual(types(await editor.drain()), ["connected", "presence"]);
      editor.close();
    }
  });

  test("nobody else, and they are told before the upgrade", async () => {
    await assert.rejects(at.editor("door", { headers: {} }), /401/);
    await assert.rejects(at.editor("door", { token: `${stack.token}x` }), /401/);
    await assert.rejects(at.editor("door", { headers: {}, protocols: ["hotplate.v1", "bearer.wrong"] }), /401/);
    await assert.rejects(at.editor("door", { headers: {}, protocols: [`bearer.${stack.token}`] }), /401/, "without the subprotocol");
    await assert.rejects(at.editor("none"), /404/);
    await assert.rejects(at.editor("door", { query: "?seq=x" }), /422/);
    await assert.rejects(at.editor("door", { query: "?sec=1" }), /422/);
    const plain = await at.api("GET", "/v1/apps/door/room");
    assert.deepEqual([plain.status, plain.json.code], [426, "upgrade_required"]);
    const noSocket = await at.api("GET", "/v1/apps/door", { token: null, headers: { "sec-websocket-protocol": `hotplate.v1, bearer.${stack.token}` } });
    assert.equal(noSocket.status, 401, "the subprotocol opens sockets alone");
  });
});

describe("presence", () => {
  test("is the full list, then who comes, moves and goes; each viewer by one id", async () => {
    const made = await at.app("presence", page("0"));
    const agent = `Browser/1 ${"x".repeat(600)}`;
    const first = await at.watch("presence", made.seq, { "user-agent": agent });
    await first.next();
    const editor = await at.editor("presence");
    const [known] = await present(editor);
    assert.match(known.id, /^[a-z2-7]{16}$/);
    assert.equal(known.seq, made.seq);
    assert.ok(known.user_agent.startsWith("Browser/1 xxx") && Buffer.byteLength(known.user_agent) <= 512);
    assert.ok(Math.abs(known.connected_at - Date.now()) < 60_000);

    const second = await at.watch("presence");
    const { viewer } = await editor.until(is("viewer_joined"));
    assert.notEqual(viewer.id, known.id);
    assert.equal(viewer.seq, null);
    second.send({ type: "hello", seq: made.seq });
    assert.deepEqual((await editor.until(is("viewer_changed"))).viewer, { ...viewer, seq: made.seq });

    const edited = await at.write("presence", { "src/main.ts": "export const edit = 1;\n" });
    assert.equal(edited.clients, 2, "editors are no viewers");
    await first.until(is("update"));
    first.send({ type: "applied", seq: edited.seq, ms: 4.5, outcome: "hot" });
    const report = await editor.until(is("applied"));
    assert.ok(Number.isInteger(report.latency_ms) && report.latency_ms >= 0 && report.latency_ms < 60_000, `${report.latency_ms}`);
    delete report.latency_ms;
    assert.deepEqual(report, { type: "applied", viewer: known.id, seq: edited.seq, ms: 4.5, outcome: "hot" });
    assert.deepEqual((await editor.until(is("viewer_changed"))).viewer, { ...known, seq: edited.seq });

    // What cannot be is not believed.
    for (const seq of [edited.seq, made.seq, edited.seq + 1]) first.send({ type: "applied", seq, ms: 1, outcome: "hot" });
    await first.drain();
    assert.deepEqual(types(await editor.drain()), []);

    second.cut();
    assert.deepEqual(await editor.next(), { type: "viewer_left", viewer: viewer.id, dropped: 0 });
    first.close();
    assert.equal((await editor.next()).viewer, known.id);
    const late = await at.editor("presence");
    assert.deepEqual(await present(late), []);
    for (const socket of [editor, late]) socket.close();
  });
});

describe("an editor", () => {
  test("is told what viewers are, and catches up like one", async () => {
    const made = await at.app("told", page("0"));
    const editor = await at.editor("told", { seq: made.seq });
    assert.deepEqual(await editor.next(), { type: "connected", seq: made.seq, revision: 1 });
    await editor.until(is("presence"));
    await at.write("told", { "src/main.ts": "export const edit = 1;\n" });
    await at.write("told", { "src/main.ts": "export const broken = (\n" });
    const told = await editor.drain();
    assert.deepEqual(types(told), ["update", "error"]);
    assert.deepEqual([told[0].seq, told[0].modules[0].id], [made.seq + 1, "/src/main.ts"]);
    editor.cut();
    const back = await at.editor("told", { seq: made.seq });
    assert.deepEqual(types(await back.drain()), ["connected", "update", "error", "presence"]);
    back.send({ type: "hello", seq: made.seq - 1 });
    assert.ok((await back.drain()).some(is("update")), "hello asks again");
    await at.api("DELETE", "/v1/apps/told");
    assert.deepEqual(await back.closed, { code: 4004, reason: "the app was removed" });
  });

  test("hears of every state of a deployment, and so do viewers", async () => {
    await at.app("ship", page("0"));
    const [editor, viewer] = [await at.editor("ship"), await at.watch("ship")];
    await Promise.all([editor.until(is("presence")), viewer.next()]);
    const deployed = await at.deploy("ship");
    for (const socket of [editor, viewer]) {
      const states = [];
      do states.push((await socket.until(is("deployment"))).deployment);
      while (states.at(-1).state !== "deployed");
      assert.deepEqual([...new Set(states.map(({ state }) => state))], ["pending", "building", "deploying", "deployed"]);
      assert.ok(states.every(({ id }) => id === deployed.id));
      assert.equal(states.at(-1).active, true);
    }
    await at.write("ship", { "src/main.ts": "export const second = 2;\n" });
    const second = await at.deploy("ship");
    const activated = (/** @type {string} */ id) => (/** @type {any} */ message) => message.type === "deployment" && message.deployment.id === id && message.deployment.state === "deployed";
    await editor.until(activated(second.id));
    await at.api("POST", "/v1/apps/ship/rollback");
    assert.equal((await editor.until(activated(deployed.id))).deployment.active, true, "the pointer moved");
    for (const socket of [editor, viewer]) socket.close();
  });
});

describe("edits as messages", () => {
  test("are answered as PATCH answers, once each, in order", async () => {
    const made = await at.app("edits", page("0"));
    const viewer = await at.watch("edits", made.seq);
    const editor = await at.editor("edits");
    await Promise.all([viewer.next(), editor.until(is("presence"))]);
    for (let n = 1; n <= 20; n++) {
      editor.send({ type: "edit", request_id: `e${n}`, base_revision: n, writes: [{ path: "src/main.ts", content: `export const edit = ${n};\n` }] });
    }
    const answers = [];
    while (answers.length < 20) answers.push(await editor.until(is("edit_result")));
    assert.deepEqual(answers.map(({ request_id }) => request_id), Array.from({ length: 20 }, (_, index) => `e${index + 1}`));
    const { timings, ...first } = answers[0];
    assert.deepEqual(Object.keys(timings).sort(), ["broadcast_ms", "compile_ms", "store_ms"]);
    assert.deepEqual(first, { type: "edit_result", request_id: "e1", revision: 2, seq: made.seq + 1, changed: ["src/main.ts"], diagnostics: [], clients: 1 });
    assert.deepEqual((await viewer.drain()).map(({ seq }) => seq), Array.from({ length: 20 }, (_, index) => made.seq + 1 + index));
    assert.equal((await at.api("GET", "/v1/apps/edits/files/src/main.ts")).text, "export const edit = 20;\n");

    editor.send({ type: "edit", request_id: "same", writes: [{ path: "src/main.ts", content: "export const edit = 20;\n" }] });
    assert.deepEqual((await editor.until(is("edit_result"))).changed, [], "sent again, it changes nothing");
    editor.send({ type: "edit", request_id: "delete", deletes: ["public/robots.txt"] });
    assert.equal((await editor.until(is("edit_result"))).revision, 22);
    for (const socket of [viewer, editor]) socket.close();
  });

  test("that are refused get the problem of PATCH, and change nothing", async () => {
    await at.app("refused", page("0"));
    const editor = await at.editor("refused");
    await editor.until(is("presence"));
    const before = (await at.api("GET", "/v1/apps/refused/files")).json;
    /** @type {object[]} */
    const edits = [
      { base_revision: 7, deletes: ["public/robots.txt"] },
      { writes: [{ path: "../x", content: "" }] },
      { writes: [{ path: "a", content: "" }], deletes: ["a"] },
      { writes: [{ path: "a", base64: "?" }] },
      { writes: [{ path: "a", content: "", mode: 1 }] },
      { writes: [{ path: "a" }] },
      { wirtes: [] },
      { writes: [{ path: "a", content: "x".repeat(10 * 1024 * 1024 + 1) }] },
    ];
    for (const edit of edits) {
      const patched = await at.api("PATCH", "/v1/apps/refused/files", { json: edit });
      assert.ok(patched.status >= 400, patched.text);
      editor.send({ type: "edit", request_id: "r", ...edit });
      const { type, request_id, problem } = await editor.next();
      assert.deepEqual([type, request_id], ["edit_refused", "r"]);
      assert.deepEqual([problem.code, problem.status, problem.title], [patched.json.code, patched.json.status, patched.json.title], JSON.stringify(problem));
    }
    assert.deepEqual((await at.api("GET", "/v1/apps/refused/files")).json, before);
    editor.close();
  });

  test("two editors at once: each base_revision is taken once", async () => {
    const made = await at.app("race", page("0"));
    const editors = await Promise.all([at.editor("race"), at.editor("race")]);
    for (const editor of editors) await editor.until(is("presence"));
    editors.forEach((editor, index) => editor.send({ type: "edit", request_id: "mine", base_revision: made.revision, writes: [{ path: "src/main.ts", content: `export const from = ${index};\n` }] }));
    const answers = await Promise.all(editors.map((editor) => editor.until((/** @type {any} */ message) => message.request_id === "mine")));
    assert.deepEqual(types(answers).sort(), ["edit_refused", "edit_result"]);
    assert.equal(answers.find(is("edit_refused")).problem.code, "revision_conflict");
    for (const editor of editors) editor.close();
  });

  test("what is no message is refused with the reason", async () => {
    await at.app("typos", page("0"));
    const editor = await at.editor("typos");
    await editor.until(is("presence"));
    /** @type {[unknown, string][]} */
    const cases = [
      ["{", "malformed_json"], ["null", "invalid_body"], [{ type: "none" }, "invalid_body"], [{ type: "edit" }, "invalid_body"],
      [{ type: "edit", request_id: "" }, "invalid_body"], [{ type: "edit", request_id: "x".repeat(201) }, "invalid_body"],
      [{ type: "edit", request_id: 7 }, "invalid_body"], [{ type: "hello", sec: 1 }, "unknown_field"],
      [{ type: "custom", event: "" }, "invalid_body"], [{ type: "custom", event: "x".repeat(201) }, "invalid_body"],
      [{ type: "custom", event: "a", viewer: "nobody" }, "not_found"],
      [{ type: "custom", event: "a", viewer: "abcdefghijklmnop" }, "not_found"],
    ];
    for (const [message, code] of cases) {
      editor.send(message);
      const answer = await editor.next();
      assert.deepEqual([answer.type, answer.problem.code], ["refused", code], JSON.stringify(message));
    }
    // The longest that are taken.
    editor.send({ type: "edit", request_id: "x".repeat(200), deletes: [] });
    assert.equal((await editor.next()).type, "edit_result");
    editor.send({ type: "custom", event: "x".repeat(200) });
    assert.deepEqual(await editor.drain(), []);
    editor.close();
  });

  test("a message of 16 MiB is taken, one byte more is not", async () => {
    await at.app("large", page("0"));
    const editor = await at.editor("large");
    await editor.until(is("presence"));
    const limit = 16 * 1024 * 1024;
    const message = (/** @type {number} */ bytes) => {
      const content = "x".repeat(8 * 1024 * 1024);
      const edit = { type: "edit", request_id: "large", writes: [{ path: "a.txt", content }, { path: "b.txt", content: "" }] };
      edit.writes[1].content = "y".repeat(bytes - JSON.stringify(edit).length);
      return edit;
    };
    editor.send(message(limit + 1));
    const refused = await editor.next();
    assert.deepEqual([refused.type, refused.request_id, refused.problem.code], ["edit_refused", "large", "body_too_large"]);
    editor.send(message(limit));
    assert.deepEqual((await editor.next()).changed, ["a.txt", "b.txt"]);
    editor.close();
  });
});

describe("custom events", () => {
  test("go from an editor to viewers, and from a viewer to editors", async () => {
    await at.app("events", page("0"));
    const [one, two] = [await at.watch("events"), await at.watch("events")];
    const [editor, other] = [await at.editor("events"), await at.editor("events")];
    const [first] = await present(editor);
    await Promise.all([one.next(), two.next(), present(other)]);

    editor.send({ type: "custom", event: "theme", data: { dark: true } });
    for (const socket of [one, two, other]) assert.deepEqual(await socket.next(), { type: "custom", event: "theme", data: { dark: true } });
    editor.send({ type: "custom", event: "select", viewer: first.id });
    assert.deepEqual(await one.next(), { type: "custom", event: "select", data: null });

    // As in Vite, a page's `hot.send` reaches the tool and no other page.
    one.send({ type: "custom", event: "clicked", data: { id: 7 } });
    for (const socket of [editor, other]) assert.deepEqual(await socket.next(), { type: "custom", viewer: first.id, event: "clicked", data: { id: 7 } });
    for (const socket of [one, two, editor]) assert.deepEqual(await socket.drain(), []);
    for (const socket of [one, two, editor, other]) socket.close();
  });

  test("of one viewer have a rate; what is over it is counted", async () => {
    await at.app("pointer", page("0"));
    const editor = await at.editor("pointer");
    await editor.until(is("presence"));
    const viewer = await at.watch("pointer");
    for (let n = 0; n < 2_000; n++) viewer.send({ type: "custom", event: "move", data: n });
    await viewer.drain();
    viewer.close();
    const heard = [];
    for (let message = await editor.next(); message.type !== "viewer_left"; message = await editor.next()) heard.push(message);
    const moves = heard.filter(is("custom"));
    assert.ok(moves.length >= 400 && moves.length < 2_000, `${moves.length} of 2000`);
    assert.deepEqual(moves.slice(0, 400).map(({ data }) => data), Array.from({ length: 400 }, (_, n) => n), "a burst is taken whole");
    editor.close();
  });
});

test("a room takes 50 editors and no more", async () => {
  await at.app("crowd", page("0"));
  const editors = await Promise.all(Array.from({ length: 50 }, () => at.editor("crowd")));
  await assert.rejects(at.editor("crowd"), /429/);
  editors[0].close();
  await editors[0].closed;
  const another = await at.editor("crowd");
  for (const editor of [...editors.slice(1), another]) editor.close();
});
