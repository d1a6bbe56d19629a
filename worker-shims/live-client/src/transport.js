/**
 * The viewer's end of the room's socket: keeps it open, asks for what was missed, and acknowledges what
 * has arrived.
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
 * @property {() => number | undefined} [stream] the stream that this number counts in
 * @property {(message: RoomMessage) => void} onMessage
 * @property {(state: TransportState) => void} onState
 * @property {() => boolean} [hidden] whether nobody looks: then reconnecting waits for `wake`
 * @property {typeof WebSocket} [WebSocket]
 * @property {() => number} [random]
 * @property {Partial<typeof DELAYS>} [delays] milliseconds
 */

const DELAYS = { open: 15_000, ping: 30_000, pong: 10_000, first: 250, last: 10_000 };
/**
 * The room closes who is too far behind with what it acknowledges. `applied` does; where it does not come
 * (packages are missing, the tab is slow), so many frames or characters do. Far below what the room allows.
 */
const FRAMES = 50;
const CHARACTERS = 256 * 1024;

export class Transport {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #attempt = 0;
  #awaitingPong = false;
  #parked = false;
  #closed = false;
  /** Consecutive gaps: asking again at once is right once, not for ever. */
  #gaps = 0;
  #openedAt = 0;
  /** What has arrived since the last acknowledgement. */
  #frames = 0;
  #characters = 0;

  /** @param {TransportOptions} options */
  constructor(options) {
    this.options = options;
    this.delays = { ...DELAYS, ...options.delays };
  }

  connect() {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#parked = false;
    this.#drop();
    const { url, seq, onState } = this.options;
    const stream = this.options.stream?.();
    const query = stream === undefined ? `seq=${seq()}` : `seq=${seq()}&stream=${stream}`;
    const socket = new (this.options.WebSocket ?? WebSocket)(`${url}?${query}`);
    this.#socket = socket;
    this.#openedAt = 0;
    // Who accepts a connection and never answers would keep the page waiting for minutes.
    this.#timer = setTimeout(() => this.#lost(), this.delays.open);
    onState({ phase: "connecting" });
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.#openedAt = performance.now();
      this.#acknowledged();
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
    if (data === "pong") {
      this.#attempt = 0;
      this.#awaitingPong = false;
      this.#schedulePing();
      return;
    }
    const message = parseRoomMessage(data);
    if (!message) return;
    this.options.onMessage(message);
    this.#frames++;
    this.#characters += /** @type {string} */ (data).length;
    if (this.#frames >= FRAMES || this.#characters >= CHARACTERS) this.send({ type: "received", seq: this.options.seq() });
  }

  #acknowledged() {
    this.#frames = 0;
    this.#characters = 0;
  }

  /** @param {ViewerMessage} message @returns {boolean} whether it could be sent */
  send(message) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== socket.OPEN) return false;
    socket.send(JSON.stringify(message));
    if (message.type === "applied" || message.type === "received") this.#acknowledged();
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
    this.#attempt = 0;
  }

  /** The page is looked at again, or the network is back. */
  wake() {
    if (this.#closed) return;
    if (this.#parked) return this.connect();
    // A machine that slept, or changed its network, does not know that the connection is gone.
    const socket = this.#socket;
    if (socket && socket.readyState === socket.OPEN && !this.#awaitingPong) this.#ping();
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
    // A connection that lasted was a good one; one that is lost at once, time and again, is not.
    if (this.#openedAt > 0 && performance.now() - this.#openedAt > this.delays.last) this.#attempt = 0;
    this.#openedAt = 0;
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
    this.#timer = setTimeout(() => this.#ping(), this.delays.ping);
  }

  #ping() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket || socket.readyState !== socket.OPEN || this.#awaitingPong) return this.#lost();
    this.#awaitingPong = true;
    socket.send("ping");
    this.#timer = setTimeout(() => this.#lost(), this.delays.pong);
  }
}
