// @ts-check
/**
 * How the Worker's tests talk to a running stack: API calls with the admin token, and visits to an
 * app's hosts. Visits name the host in the `Host` header, because not every resolver knows
 * `*.localhost`.
 */
import http from "node:http";
import { once } from "node:events";
import { WebSocket } from "ws";

/**
 * @typedef {{status: number, headers: http.IncomingHttpHeaders, bytes: Buffer, text: string, json: any}} Answer
 * @typedef {{headers?: Record<string, string>, body?: string | Buffer, json?: unknown, token?: string | null}} Options
 */

/** @param {{base: string, baseDomain: string, token: string}} stack */
export function platform({ base, baseDomain, token }) {
  const { port } = new URL(base);

  /** @param {string} method @param {string} host @param {string} path @param {Options} options @returns {Promise<Answer>} */
  async function send(method, host, path, { headers = {}, body, json } = {}) {
    const request = http.request({ host: "127.0.0.1", port, method, path, headers: { host, ...headers }, agent: false });
    request.end(json === undefined ? body : JSON.stringify(json));
    const [response] = await once(request, "response");
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const text = bytes.toString("utf8");
    const isJson = /json/.test(response.headers["content-type"] ?? "") && response.headers["content-encoding"] === undefined;
    return { status: response.statusCode, headers: response.headers, bytes, text, json: isJson ? JSON.parse(text) : undefined };
  }

  return {
    /** A call of the platform host. @param {string} method @param {string} path @param {Options} [options] */
    api(method, path, options = {}) {
      const { token: given = token, headers, ...rest } = options;
      const authorization = given === null ? {} : { authorization: `Bearer ${given}` };
      return send(method, baseDomain, path, { headers: { ...authorization, ...headers }, ...rest });
    },
    /** A visit: `visit("demo--live", "/")`. @param {string} label @param {string} path @param {Record<string, string>} [headers] */
    visit: (label, path, headers = {}) => send("GET", `${label}.${baseDomain}`, path, { headers }),
    /** The same with any method. @param {string} method @param {string} label @param {string} path @param {Options} [options] */
    ask: (method, label, path, options = {}) => send(method, `${label}.${baseDomain}`, path, options),
    /** A deployment's events until it has ended. @param {string} app @param {string} id */
    async events(app, id) {
      const { text } = await this.api("GET", `/v1/apps/${app}/deployments/${id}/events`);
      return text
        .split("\n\n")
        .filter(Boolean)
        .map((block) => JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null"));
    },
    /** Asks for a deployment and waits for its end. @param {string} app @param {object} [request] */
    async deploy(app, request = {}) {
      const asked = await this.api("POST", `/v1/apps/${app}/deployments`, { json: request });
      if (asked.status !== 202) throw new Error(`deployment refused: ${asked.text}`);
      await this.events(app, asked.json.id);
      return (await this.api("GET", `/v1/apps/${app}/deployments/${asked.json.id}`)).json;
    },
    /** Makes an app with these files. @param {string} slug @param {Record<string, string>} files */
    async app(slug, files) {
      const created = await this.api("POST", "/v1/apps", { json: { slug } });
      if (created.status !== 201) throw new Error(`app refused: ${created.text}`);
      return this.write(slug, files);
    },
    /** A viewer's socket of an app. @param {string} slug @param {number | string} [seq] the last update it has @param {Record<string, string>} [headers] */
    watch: (slug, seq, headers) => watch(`ws://127.0.0.1:${port}/@live/socket${seq === undefined ? "" : `?seq=${seq}`}`, `${slug}--live.${baseDomain}`, { headers }),
    /**
     * An editor's socket of an app, with the admin token in the header unless told otherwise.
     * @param {string} slug @param {{seq?: number, token?: string, headers?: Record<string, string>, protocols?: string[], query?: string}} [options]
     */
    editor: (slug, { seq, token: given = token, headers, protocols, query = seq === undefined ? "" : `?seq=${seq}` } = {}) =>
      watch(`ws://127.0.0.1:${port}/v1/apps/${slug}/room${query}`, baseDomain, { headers: headers ?? { authorization: `Bearer ${given}` }, protocols }),
    /** One edit. @param {string} slug @param {Record<string, string>} files */
    async write(slug, files) {
      const writes = Object.entries(files).map(([path, content]) => ({ path, content }));
      const edited = await this.api("PATCH", `/v1/apps/${slug}/files`, { json: { writes } });
      if (edited.status !== 200) throw new Error(`edit refused: ${edited.text}`);
      return edited.json;
    },
  };
}

/**
 * A socket whose messages are taken one by one, in order.
 * @param {string} url @param {string} host @param {{headers?: Record<string, string>, protocols?: string[]}} [options]
 */
async function watch(url, host, { headers, protocols = [] } = {}) {
  const socket = new WebSocket(url, protocols, { headers: { host, ...headers } });
  /** @type {any[]} */ const messages = [];
  let arrived = () => {};
  socket.on("message", (data) => {
    const text = String(data);
    messages.push(text === "pong" ? text : JSON.parse(text));
    arrived();
  });
  /** @type {Promise<{code: number, reason: string}>} */
  const closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })));
  await once(socket, "open");
  const next = async () => {
    while (messages.length === 0) {
      const more = /** @type {Promise<void>} */ (new Promise((resolve) => (arrived = resolve)));
      const ended = await Promise.race([more, closed]);
      if (ended && messages.length === 0) throw new Error(`the socket closed: ${JSON.stringify(ended)}`);
    }
    return messages.shift();
  };
  return {
    /** The next message. */
    next,
    /** The next message that passes; the ones before it are dropped. @param {(message: any) => boolean} wanted */
    async until(wanted) {
      for (;;) {
        const message = await next();
        if (wanted(message)) return message;
      }
    },
    /** Everything that the room sent before it answers a ping: it answers in order. */
    async drain() {
      socket.send("ping");
      const before = [];
      for (let message = await next(); message !== "pong"; message = await next()) before.push(message);
      return before;
    },
    /** @param {unknown} message */
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    close: () => socket.close(),
    /** Cuts the connection without a word. */
    cut: () => socket.terminate(),
    closed,
    /** The subprotocol that was taken. */
    protocol: socket.protocol,
  };
}

/** An app without packages that shows `text`. @param {string} text */
export const page = (text) => ({
  "index.html": '<!doctype html><title>t</title><div id="root"></div><script type="module" src="/src/main.ts"></script>',
  "src/main.ts": `const text: string = ${JSON.stringify(text)};\ndocument.getElementById("root")!.textContent = text;\n`,
  "public/robots.txt": `# ${text}\n`,
});
