/** The transport against a real WebSocket server, and what it forwards. */
// @ts-check
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { WebSocket as NodeWebSocket, WebSocketServer } from "ws";
import { Forwarder, formatArguments, inspect, runtimeError } from "../src/forward.js";
import { parseRoomMessage } from "../src/protocol.js";
import { Transport } from "../src/transport.js";

const FAST = { ping: 60_000, pong: 60_000, first: 1, last: 2 };

/** @param {import("node:test").TestContext} context @param {{delays?: Partial<typeof FAST> & {open?: number}, hidden?: () => boolean, stream?: number}} [options] */
async function room(context, { delays = FAST, hidden, stream } = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const state = { seq: 5 };
  /** @type {any[]} */ const messages = [];
  /** @type {any[]} */ const states = [];
  /** @type {(() => void)[]} */ const waiters = [];
  const notify = () => waiters.splice(0).forEach((go) => go());
  const transport = new Transport({
    url: `ws://127.0.0.1:${port}/@live/socket`,
    seq: () => state.seq,
    stream: () => stream,
    onMessage: (message) => (messages.push(message), notify()),
    onState: (now) => (states.push(now), notify()),
    WebSocket: /** @type {any} */ (globalThis.WebSocket ?? NodeWebSocket),
    random: () => 1,
    delays,
    hidden,
  });
  context.after(() => {
    transport.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });
  /** @param {() => boolean} condition */
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => waiters.push(() => resolve(undefined)));
  };
  return { server, transport, messages, states, state, until };
}

/**
 * The next connection, once it has said something. What it says is kept until somebody asks: two frames may arrive
 * in one piece, and the second would be over before anybody could listen.
 * @param {WebSocketServer} server @returns {Promise<{socket: NodeWebSocket, url: string, first: string, next: () => Promise<string>}>}
 */
async function visitor(server) {
  const [socket, request] = await once(server, "connection");
  /** @type {string[]} */ const said = [];
  /** @type {((text: string) => void)[]} */ const waiting = [];
  socket.on("message", (/** @type {unknown} */ data) => {
    const give = waiting.shift();
    if (give) give(String(data));
    else said.push(String(data));
  });
  const next = () => /** @type {Promise<string>} */ (new Promise((resolve) => {
    const text = said.shift();
    if (text === undefined) waiting.push(resolve);
    else resolve(text);
  }));
  return { socket, url: request.url, first: await next(), next };
}

describe("Transport", () => {
  test("says what it has, and hands messages on in order", async (context) => {
    const { server, transport, messages, until } = await room(context);
    const arrival = visitor(server);
    transport.connect();
    const { socket, url, first } = await arrival;
    assert.equal(url, "/@live/socket?seq=5");
    assert.deepEqual(JSON.parse(first), { type: "hello", seq: 5 });
    socket.send('{"type":"connected","seq":5,"revision":7}');
    socket.send("not json");
    socket.send('{"type":"from_the_future"}');
    for (let i = 0; i < 20; i++) socket.send(JSON.stringify({ type: "custom", event: "n", data: i }));
    await until(() => messages.length === 21);
    assert.deepEqual(messages.slice(1).map(({ data }) => data), [...Array(20).keys()]);
  });

  test("comes back with the newest seq after a loss", async (context) => {
    const { server, transport, state, states, until } = await room(context);
    let arrival = visitor(server);
    transport.connect();
    const { socket } = await arrival;
    await until(() => states.some(({ phase }) => phase === "open"));
    arrival = visitor(server);
    state.seq = 9;
    socket.terminate();
    assert.equal((await arrival).url, "/@live/socket?seq=9");
    assert.ok(states.some(({ phase, attempt }) => phase === "waiting" && attempt === 1));
  });

  test("asks for a replay over a new socket", async (context) => {
    const { server, transport } = await room(context);
    let arrival = visitor(server);
    transport.connect();
    await arrival;
    arrival = visitor(server);
    transport.resync();
    assert.equal(JSON.parse((await arrival).first).type, "hello");
  });

  test("backs off again and again when the replay does not help", async (context) => {
    const { server, transport, states } = await room(context);
    let arrival = visitor(server);
    transport.connect();
    await arrival;
    arrival = visitor(server);
    transport.resync();
    await arrival;
    transport.resync();
    assert.equal(states.at(-1).phase, "waiting");
    transport.inOrder();
  });

  test("does not reconnect while nobody looks, and at once when somebody does", async (context) => {
    let hidden = false;
    const { server, transport, states, until } = await room(context, { hidden: () => hidden });
    let arrival = visitor(server);
    transport.connect();
    const { socket } = await arrival;
    await until(() => states.at(-1)?.phase === "open");
    hidden = true;
    socket.terminate();
    await until(() => states.at(-1)?.phase === "waiting");
    arrival = visitor(server);
    transport.wake();
    await arrival;
  });

  test("pings as text", async (context) => {
    const { server, transport } = await room(context, { delays: { ...FAST, ping: 1 } });
    const arrival = visitor(server);
    transport.connect();
    const { socket, next } = await arrival;
    assert.equal(await next(), "ping");
    socket.send("pong");
    assert.equal(await next(), "ping");
  });

  test("takes silence after a ping for a loss", async (context) => {
    const { server, transport } = await room(context, { delays: { ...FAST, ping: 1, pong: 1 } });
    let arrival = visitor(server);
    transport.connect();
    await arrival;
    arrival = visitor(server);
    await arrival;
  });

  test("names the stream that its number counts in", async (context) => {
    const { server, transport } = await room(context, { stream: 7 });
    const arrival = visitor(server);
    transport.connect();
    assert.equal((await arrival).url, "/@live/socket?seq=5&stream=7");
  });

  const acknowledgements = /** @type {const} */ ([
    ["many frames", Array.from({ length: 50 }, () => "x")],
    ["few long ones", ["x".repeat(200_000), "x".repeat(200_000)]],
  ]);
  for (const [name, frames] of acknowledgements) {
    test(`acknowledges ${name} that nobody has applied yet`, async (context) => {
      const { server, transport, state, messages, until } = await room(context);
      const arrival = visitor(server);
      transport.connect();
      const { socket, next } = await arrival;
      state.seq = 9;
      for (const data of frames.slice(1)) socket.send(JSON.stringify({ type: "custom", event: "n", data }));
      await until(() => messages.length === frames.length - 1);
      transport.send({ type: "applied", seq: 9, ms: 1, outcome: "hot" });
      state.seq = 10;
      for (const data of frames) socket.send(JSON.stringify({ type: "custom", event: "n", data }));
      assert.deepEqual([JSON.parse(await next()), JSON.parse(await next())], [
        { type: "applied", seq: 9, ms: 1, outcome: "hot" },
        { type: "received", seq: 10 },
      ]);
    });
  }

  test("gives up on a connection that is never answered", async (context) => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    context.after(() => silent.close());
    const { port } = /** @type {import("node:net").AddressInfo} */ (silent.address());
    const { transport, states, until } = await room(context, { delays: { ...FAST, open: 1 } });
    transport.options.url = `ws://127.0.0.1:${port}/@live/socket`;
    transport.connect();
    await until(() => states.some(({ phase, attempt }) => phase === "waiting" && attempt === 2));
  });

  test("waits ever longer for a room that closes at once, whatever it says first", async (context) => {
    const { server, transport, states, until } = await room(context);
    server.on("connection", (socket) => {
      socket.send('{"type":"connected","seq":5,"revision":7}');
      socket.close();
    });
    transport.connect();
    await until(() => states.some(({ phase, attempt }) => phase === "waiting" && attempt === 4));
  });

  test("asks at once whether a connection is still there when the page is looked at again", async (context) => {
    const { server, transport } = await room(context);
    const arrival = visitor(server);
    transport.connect();
    const { next } = await arrival;
    transport.wake();
    assert.equal(await next(), "ping");
  });

  test("stays closed", async (context) => {
    const { transport, states } = await room(context);
    transport.close();
    transport.connect();
    transport.wake();
    assert.deepEqual(states, [{ phase: "closed" }]);
    assert.equal(transport.send({ type: "hello", seq: 1 }), false);
  });
});

describe("protocol", () => {
  const goldens = JSON.parse(readFileSync(new URL("../../../tests/protocol/room-message.json", import.meta.url), "utf8"));
  for (const [name, golden] of Object.entries(goldens)) {
    test(`reads the golden ${name}`, () => assert.deepEqual(parseRoomMessage(JSON.stringify(golden)), golden));
  }
  for (const text of ["", "null", "[]", '{"type":"toString"}', '{"seq":1}', "pong", new Uint8Array()]) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseRoomMessage(text), null));
  }
});

describe("forwarding", () => {
  const circle = /** @type {any} */ ({ a: 1 });
  circle.self = circle;
  /** @type {[value: unknown, text: string | RegExp][]} */
  const values = [
    ["text", "text"], [1, "1"], [null, "null"], [undefined, "undefined"], [10n, "10"], [Symbol("s"), "Symbol(s)"],
    [{ a: [1, { b: 2 }] }, '{"a":[1,{"b":2}]}'], [circle, '{"a":1,"self":"[circular]"}'], [new Map([[1, 2]]), "[[1,2]]"],
    [function named() {}, "[function named]"], [new TypeError("bad"), /^TypeError: bad/],
    [new Proxy({}, { ownKeys: () => { throw new Error("trap"); } }), "[object Object]"],
  ];
  for (const [value, text] of values) {
    test(`shows ${String(text)}`, () => (typeof text === "string" ? assert.equal(inspect(value), text) : assert.match(inspect(value), text)));
  }

  test("fills placeholders and cuts what is long", () => {
    assert.deepEqual(formatArguments(["%s is %o%%%c", "a", { b: 1 }, "color: red", 7]), ['a is {"b":1}%', "7"]);
    assert.deepEqual(formatArguments(["%s %s", "a"]), ["a %s"]);
    assert.equal(inspect("x".repeat(10_000)).length, 4_001);
  });

  test("keeps the page's console as it is, holds lines while there is no socket", () => {
    /** @type {any[]} */ const printed = [];
    /** @type {any[]} */ const sent = [];
    let open = false;
    const forwarder = new Forwarder((message) => (open && sent.push(message), open));
    const fake = /** @type {any} */ (Object.fromEntries(["debug", "log", "info", "warn", "error"].map((level) => [level, (/** @type {any[]} */ ...args) => printed.push([level, ...args])])));
    forwarder.installConsole(fake);
    fake.warn("careful", { a: 1 });
    assert.deepEqual(printed, [["warn", "careful", { a: 1 }]]);
    open = true;
    forwarder.flush();
    assert.deepEqual(sent, [{ type: "console", level: "warn", args: ["careful", '{"a":1}'] }]);
  });
});
