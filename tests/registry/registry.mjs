// @ts-check
/**
 * A package registry of this machine, for what no honest registry has: archives that unpack to too much
 * or reach outside, versions that exclude each other, servers that fall silent. It speaks as much of the
 * registry's protocol as `npm install` and `npm ci` ask for. Packages of people are tested with the real one.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createGzip, gzipSync } from "node:zlib";

const BLOCK = 512;

/**
 * One entry of a tar archive: its header.
 * @param {string} name @param {number} size @param {{type?: "0" | "1" | "2", link?: string}} [more] file, hard link or symbolic link
 */
export function header(name, size, { type = "0", link = "" } = {}) {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  block.write("0000644\0", 100);
  block.write("0000000\0".repeat(2), 108);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write(" ".repeat(8), 148);
  block.write(type, 156);
  block.write(link, 157, 100);
  block.write("ustar\x0000", 257);
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** @param {string} name @param {string | Buffer} content */
export function file(name, content) {
  const bytes = Buffer.from(content);
  return Buffer.concat([header(name, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

/** @param {Buffer[]} entries */
export const archive = (entries) => gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]));

/**
 * A small archive of a file of `megabytes`. npm itself stops what grows a thousandfold; `noise` bytes in each megabyte
 * that cannot be packed keep it below that.
 * @param {Buffer[]} entries @param {number} megabytes @param {number} noise
 */
export async function bomb(entries, megabytes, noise) {
  const gzip = createGzip({ level: 9 });
  const chunks = /** @type {Buffer[]} */ ([]);
  gzip.on("data", (chunk) => chunks.push(chunk));
  const ended = once(gzip, "end");
  const nothing = Buffer.alloc(1024 * 1024);
  randomBytes(noise).copy(nothing);
  gzip.write(Buffer.concat([...entries, header("package/nothing.bin", megabytes * nothing.length)]));
  for (let written = 0; written < megabytes; written++) if (!gzip.write(nothing)) await once(gzip, "drain");
  gzip.end(Buffer.alloc(2 * BLOCK));
  await ended;
  return Buffer.concat(chunks);
}

/**
 * @typedef {{manifest: Record<string, any>, archive: Buffer}} Release
 * A package's file by path, `package.json` made from `manifest`.
 * @param {string} name @param {string} version @param {Record<string, string>} files @param {Record<string, any>} [manifest]
 * @returns {Release}
 */
export function release(name, version, files, manifest = {}) {
  const whole = { name, version, main: "index.js", ...manifest };
  return { manifest: whole, archive: archive([file("package/package.json", JSON.stringify(whole)), ...Object.entries(files).map(([path, text]) => file(`package/${path}`, text))]) };
}

/** Starts it. @param {Release[]} releases @param {number} [port] any by default */
export async function startRegistry(releases, port = 0) {
  /** Paths asked for. @type {string[]} */ const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://registry").pathname).slice(1);
    asked.push(path);
    const archived = releases.find(({ manifest }) => path === `${manifest.name}/-/${manifest.version}.tgz`);
    if (archived) return void response.end(archived.archive);
    const versions = releases.filter(({ manifest }) => manifest.name === path);
    if (versions.length === 0) return void response.writeHead(404, { "content-type": "application/json" }).end('{"error":"Not found"}');
    const document = {
      name: path,
      "dist-tags": { latest: versions.at(-1)?.manifest.version },
      versions: Object.fromEntries(versions.map(({ manifest, archive }) => [manifest.version, { ...manifest, dist: {
        tarball: `http://${request.headers.host}/${path}/-/${manifest.version}.tgz`,
        integrity: `sha512-${createHash("sha512").update(archive).digest("base64")}`,
      } }])),
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}/`,
    asked,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
