// @ts-check
/**
 * Many viewers of one room, cheap enough that thousands fit in one process: plain sockets that count what
 * arrives and acknowledge as the client does. Sockets that do not read are made here too.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";

/** Sockets that are opened at a time. */
const AT_ONCE = 50;
/** The client acknowledges after so many frames at the latest. */
const FRAMES = 50;

/**
 * @typedef {object} Member
 * @property {number} seq number of the last update received
 * @property {number} received how many
 * @property {number} disorder how many were not the next
 * @property {WebSocket} socket
 * @property {number | null} closed code
 */

/**
 * @param {{port: number, host: string, seq: number, count: number, report?: boolean}} options
 *   `report`: send `applied` for each update, as pages do; otherwise acknowledge every 50
 */
export async function gather({ port, host, seq, count, report = false }) {
  /** @type {Member[]} */
  const members = [];
  /** @type {{seq: number, missing: number, done: (at: number) => void}[]} */
  const awaited = [];

  const admit = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/@live/socket?seq=${seq}`, { headers: { host }, perMessageDeflate: false });
    /** @type {Member} */
    const member = { seq, received: 0, disorder: 0, socket, closed: null };
    members.push(member);
    socket.on("error", () => {});
    socket.on("close", (code) => (member.closed = code));
    socket.on("message", (/** @type {Buffer} */ data) => {
      // The stream's messages begin with their type and number; parsing each would measure this process.
      const number = /^\{"type":"(?:update|reload)","seq":(\d+)/.exec(data.toString("latin1", 0, 48))?.[1];
      if (number === undefined) return;
      if (Number(number) !== member.seq + 1) member.disorder += 1;
      member.seq = Number(number);
      member.received += 1;
      if (report) socket.send(`{"type":"applied","seq":${number},"ms":1,"outcome":"hot"}`);
      else if (member.received % FRAMES === 0) socket.send(`{"type":"received","seq":${number}}`);
      for (const wait of awaited) if (wait.seq === member.seq && --wait.missing === 0) wait.done(performance.now());
    });
    await once(socket, "open");
  };
  for (let from = 0; from < count; from += AT_ONCE) await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, admit));

  return {
    members,
    /** When the last of them has an update. @param {number} number @returns {Promise<number>} */
    all: (number) =>
      new Promise((resolve) => {
        const missing = members.filter((member) => member.seq < number && member.closed === null).length;
        if (missing === 0) return resolve(performance.now());
        const wait = { seq: number, missing, done: (/** @type {number} */ at) => (awaited.splice(awaited.indexOf(wait), 1), resolve(at)) };
        awaited.push(wait);
      }),
    close() {
      for (const { socket } of members) socket.terminate();
    },
  };
}

/**
 * A viewer that is connected and never reads: its window is full soon, and what is sent to it stays with
 * the sender. @param {{port: number, host: string, seq: number}} options
 */
export async function openDeaf({ port, host, seq }) {
  const socket = connect({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  const key = randomBytes(16).toString("base64");
  socket.write(`GET /@live/socket?seq=${seq} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  await once(socket, "readable");
  // One acknowledgement, as a client that reads would have sent: masked with zeros, which leaves it as it is.
  const text = Buffer.from(JSON.stringify({ type: "received", seq }));
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  return {
    /** What was sent to it last, once it reads again until these words come. @param {string} words @returns {Promise<Buffer>} */
    async listen(words) {
      let end = Buffer.alloc(0);
      for await (const chunk of socket) {
        end = Buffer.concat([end.subarray(-64), chunk]);
        if (end.includes(words)) break;
      }
      return end;
    },
    close: () => socket.destroy(),
  };
}
