// @ts-check
/**
 * A network between clients and the Worker that misbehaves when told to: it cuts, half-closes, holds
 * back and slows down what passes. TCP alone; it reads nothing of what it carries.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Bytes of one portion of a slow connection. */
const PORTION = 4 * 1024;

/** @param {number} port of the Worker */
export async function openProxy(port) {
  /** @type {Set<{client: import("node:net").Socket, server: import("node:net").Socket}>} */
  const pairs = new Set();
  /** Bytes a second towards the client; null for no limit. @type {number | null} */
  let rate = null;
  let held = false;
  /** @type {(() => void)[]} */
  let waiting = [];
  const released = () => (held ? new Promise((resolve) => waiting.push(() => resolve(undefined))) : null);

  /**
   * Carries what the Worker sends, as fast as the network is at the moment.
   * @param {import("node:net").Socket} from @param {import("node:net").Socket} to
   */
  async function carry(from, to) {
    try {
      for await (const chunk of from) {
        for (let at = 0; at < chunk.length; at += PORTION) {
          await released();
          const portion = chunk.subarray(at, at + PORTION);
          if (rate !== null) await new Promise((resolve) => setTimeout(resolve, (portion.length / /** @type {number} */ (rate)) * 1000));
          if (to.destroyed) return;
          if (!to.write(portion)) await Promise.race([once(to, "drain"), once(to, "close")]);
        }
      }
      to.end();
    } catch {
      to.destroy();
    }
  }

  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const pair = { client, server };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on("error", end);
      socket.on("close", end);
    }
    client.pipe(server);
    void carry(server, client);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");

  return {
    port: /** @type {import("node:net").AddressInfo} */ (proxy.address()).port,
    /** Connections that there are. */
    get connections() {
      return pairs.size;
    },
    /** Resets every connection. */
    cut() {
      for (const { client, server } of pairs) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
    },
    /** Ends them in the Worker's direction alone: what it still sends arrives. */
    halfClose() {
      for (const { server } of pairs) server.end();
    },
    /** Nothing arrives until `release`. */
    hold() {
      held = true;
    },
    release() {
      held = false;
      const go = waiting;
      waiting = [];
      for (const next of go) next();
    },
    /** @param {number | null} bytesPerSecond */
    slow(bytesPerSecond) {
      rate = bytesPerSecond;
    },
    async close() {
      this.release();
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      proxy.close();
    },
  };
}
