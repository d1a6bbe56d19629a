/**
 * The viewer's end of the room's socket: keeps it open, and asks for what was missed.
 *
 * Parses frames and hands them on in order of arrival; their meaning is the caller's.
 */
// @ts-check

import { parseRoomMessage } from "./protocol.js";

/** @import { RoomMessage, ViewerMessage } from "./protocol.js" */

/** @typedef {{phase: "connecting"} | {phase: "open"} | {phase: "waiting", attempt: number} | {phase: "closed"}} TransportState */

/**
 * @typedef {object} TransportOptions
 * @property {string} url without the query
 * @property {() => number} seq number of the last update received
 * @property {(message: RoomMessage) => void} onMessage
 * @property {(state: TransportState) => void} onState
 * @property {() => boolean} [hidden] whether nobody looks: then reconnecting waits for `wake`
 * @property {typeof WebSocket} [WebSocket]
 * @property {() => number} [random]
 * @property {{ping: number, pong: number, first: number, last: number}} [delays] milliseconds
 */

const DELAYS = { ping: 30_000, pong: 10_000, first: 250, last: 10_000 };

export class Transport {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #attempt = 0;
  #awaitingPong = false;
  #parked = false;
  #closed = false;
  /** Consecutive gaps: asking again at once is right once, not for ever. */
  #gaps = 0;

  /** @param {TransportOptions} options */
  constructor(options) {
    this.options = options;
    this.delays = options.delays ?? DELAYS;
  }

  connect() {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#parked = false;
    this.#drop();
    const { url, seq, onState } = this.options;
    const socket = new (this.options.WebSocket ?? WebSocket)(`${url}?seq=${seq()}`);
    this.#socket = socket;
    onState({ phase: "connecting" });
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.send({ type: "hello", seq: seq() });
      onState({ phase: "open" });
      this.#schedulePing();
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    });
    const lost = () => {
      if (socket === this.#socket) this.#lost();
    };
    socket.addEventListener("close", lost);
    socket.addEventListener("error", lost);
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#attempt = 0;
    if (data === "pong") {
      this.#awaitingPong = false;
      this.#schedulePing();
      return;
    }
    const message = parseRoomMessage(data);
    if (message) this.options.onMessage(message);
  }

  /** @param {ViewerMessage} message @returns {boolean} whether it could be sent */
  send(message) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== socket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  /** Something is missing: a new socket, which replays from `seq` on. */
  resync() {
    if (this.#gaps++ === 0) this.connect();
    else this.#lost();
  }

  /** The stream goes on without a gap. */
  inOrder() {
    this.#gaps = 0;
  }

  /** The page is looked at again, or the network is back. */
  wake() {
    if (this.#closed || !this.#parked) return;
    this.connect();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop();
    this.options.onState({ phase: "closed" });
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#awaitingPong = false;
    if (socket && socket.readyState <= socket.OPEN) socket.close();
  }

  #lost() {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#drop();
    const attempt = ++this.#attempt;
    this.options.onState({ phase: "waiting", attempt });
    this.#parked = true;
    if (this.options.hidden?.()) return;
    const { first, last } = this.delays;
    const ceiling = Math.min(last, first * 2 ** (attempt - 1));
    // Half of it is jitter, so that a restarted room does not meet all of its viewers at once.
    const delay = ceiling * (0.5 + (this.options.random ?? Math.random)() / 2);
    this.#timer = setTimeout(() => this.connect(), delay);
  }

  #schedulePing() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const socket = this.#socket;
      if (!socket || socket.readyState !== socket.OPEN || this.#awaitingPong) return this.#lost();
      this.#awaitingPong = true;
      socket.send("ping");
      this.#timer = setTimeout(() => this.#lost(), this.delays.pong);
    }, this.delays.ping);
  }
}
