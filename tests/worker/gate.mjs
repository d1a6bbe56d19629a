// @ts-check
/**
 * A real HTTP proxy between two parts of a stack. A test holds, spoils or counts what passes:
 * requests one by one, and answers line by line.
 */
import http from "node:http";
import { once } from "node:events";

/**
 * What becomes of a request: passed on; answered here; cut before or after the other side did its work;
 * or never answered.
 * @typedef {"pass" | "cut" | "cut after" | "hang" | {status: number, headers?: Record<string, string>, body?: string}} Fate
 * What becomes of a line of an answer: passed on, replaced, or the end of the connection.
 * @typedef {"pass" | "cut" | "hang" | {text: string}} LineFate
 * @typedef {(call: {method: string, path: string, count: number}) => Fate | Promise<Fate>} OnRequest
 * @typedef {(line: any, call: {method: string, path: string, count: number}) => LineFate | Promise<LineFate>} OnLine
 */

/** @param {number} to port of the part behind */
export async function gate(to) {
  /** @type {OnRequest} */ let onRequest = () => "pass";
  /** @type {OnLine} */ let onLine = () => "pass";
  /** @type {string[]} */ let calls = [];
  /** @type {Set<import("node:net").Socket>} */ const sockets = new Set();

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  async function relay(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "GET", url: path = "/" } = request;
    calls.push(`${method} ${path}`);
    const call = { method, path, count: calls.length };
    const fate = await onRequest(call);
    if (fate === "hang") return;
    if (fate === "cut") return void request.socket.destroy();
    if (typeof fate === "object") return void response.writeHead(fate.status, fate.headers).end(fate.body);
    const onward = http.request({ host: "127.0.0.1", port: to, method, path, headers: { ...request.headers, "content-length": String(body.length) }, agent: false });
    onward.on("error", () => request.socket.destroy());
    onward.end(body);
    const [answer] = await once(onward, "response");
    request.socket.on("close", () => onward.destroy());
    if (fate === "cut after") {
      answer.resume();
      await once(answer, "close");
      return void request.socket.destroy();
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.on("error", () => request.socket.destroy());
    if (answer.headers["content-type"] !== "application/x-ndjson") return void answer.pipe(response);
    let rest = "";
    for await (const chunk of answer.setEncoding("utf8")) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const lineFate = await onLine(JSON.parse(line), call);
        if (lineFate === "hang") return;
        if (lineFate === "cut") return void request.socket.destroy();
        response.write(lineFate === "pass" ? `${line}\n` : lineFate.text);
      }
    }
    response.end();
  }

  const server = http.createServer((request, response) => {
    relay(request, response).catch(() => request.socket.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    /** What passed since the last `reset`. */
    calls: () => calls,
    /** @param {{request?: OnRequest, line?: OnLine}} rules */
    set({ request, line }) {
      onRequest = request ?? (() => "pass");
      onLine = line ?? (() => "pass");
    },
    reset() {
      onRequest = () => "pass";
      onLine = () => "pass";
      calls = [];
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A moment that a test waits for and lets go on. */
export function hold() {
  /** @type {() => void} */ let reached = () => {};
  /** @type {() => void} */ let release = () => {};
  const arrival = /** @type {Promise<void>} */ (new Promise((resolve) => (reached = resolve)));
  const released = /** @type {Promise<void>} */ (new Promise((resolve) => (release = resolve)));
  return {
    /** Ends when somebody stands at the moment. */
    arrival,
    /** For the one who comes to the moment. */
    stop: () => {
      reached();
      return released;
    },
    release: () => release(),
  };
}
