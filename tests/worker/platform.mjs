// @ts-check
/**
 * How the Worker's tests talk to a running stack: API calls with the admin token, and visits to an
 * app's hosts. Visits name the host in the `Host` header, because not every resolver knows
 * `*.localhost`.
 */
import http from "node:http";
import { once } from "node:events";

/**
 * @typedef {{status: number, headers: http.IncomingHttpHeaders, text: string, json: any}} Answer
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
    const text = Buffer.concat(chunks).toString("utf8");
    const isJson = /json/.test(response.headers["content-type"] ?? "");
    return { status: response.statusCode, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
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
    /** One edit. @param {string} slug @param {Record<string, string>} files */
    async write(slug, files) {
      const writes = Object.entries(files).map(([path, content]) => ({ path, content }));
      const edited = await this.api("PATCH", `/v1/apps/${slug}/files`, { json: { writes } });
      if (edited.status !== 200) throw new Error(`edit refused: ${edited.text}`);
      return edited.json;
    },
  };
}

/** An app without packages that shows `text`. @param {string} text */
export const page = (text) => ({
  "index.html": '<!doctype html><title>t</title><div id="root"></div><script type="module" src="/src/main.ts"></script>',
  "src/main.ts": `const text: string = ${JSON.stringify(text)};\ndocument.getElementById("root")!.textContent = text;\n`,
  "public/robots.txt": `# ${text}\n`,
});
