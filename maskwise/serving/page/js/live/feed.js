/** The socket of live pictures: says what comes, and comes back by itself with growing waits. */

const WAITS_S = [1, 2, 4, 8, 15, 30];
/** While there are streams, the service tells of them every second: whoever hears nothing for so long is cut off. */
const SILENT_MS = 15_000, LISTEN_MS = 5_000;
/** A connection that held for so long was a good one. */
const GOOD_MS = 10_000;
/** The service ends each connection after an hour, to ask anew who it is. */
const OVER = 1001;

/** Tells: `stream`, `gone` (a number), `event`, `picture` (head and JPEG) and `state` ({on, waitS, because}). */
class Feed extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { socket: null, tries: 0, wanted: {}, timer: null, on: false, waitS: 0, because: "", isOpen: false, got: 0, heardMs: 0, openedMs: 0, streams: new Set() });
    addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** Begin, if it has not. */
  open() {
    if (this.isOpen) return;
    Object.assign(this, { isOpen: true, tries: 0 });
    this.listening = setInterval(() => this.listen(), LISTEN_MS);
    this.connect();
  }

  /** End: whoever is here is signed out. */
  close() {
    clearTimeout(this.timer);
    clearInterval(this.listening);
    Object.assign(this, { isOpen: false, on: false, waitS: 0 });
    this.drop();
  }

  connect() {
    clearTimeout(this.timer);
    this.drop();
    if (!this.on) this.state(false, 0);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/v1/live/pictures`);
    socket.binaryType = "arraybuffer";
    Object.assign(this, { socket, got: 0, heardMs: 0, openedMs: 0 });
    this.streams.clear();
    // One that was given up has nothing more to say.
    const on = (kind, hear) => socket.addEventListener(kind, (event) => { if (socket === this.socket) hear(event); });
    on("open", () => this.opened());
    on("message", ({ data }) => this.took(data));
    on("close", (event) => this.lost(event));
  }

  drop() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  opened() {
    this.openedMs = Date.now();
    this.state(true, 0);
    this.show(this.wanted);
  }

  lost({ code = 0, reason = "" } = {}) {
    const wasGood = this.openedMs > 0 && Date.now() - this.openedMs > GOOD_MS;
    this.drop();
    this.openedMs = 0;
    if (wasGood) this.tries = 0;
    if (wasGood && code === OVER) return this.connect();
    const waitS = WAITS_S[Math.min(this.tries++, WAITS_S.length - 1)];
    // A little by chance, so that a hundred screens do not come back in the same moment.
    this.timer = setTimeout(() => this.connect(), 1000 * waitS * (0.8 + 0.4 * Math.random()));
    this.state(false, waitS, reason);
  }

  /** A laptop that slept, or a network that went away, leaves a socket behind that nothing comes through any more. */
  listen() {
    if (this.on && this.streams.size && Date.now() - this.heardMs > SILENT_MS) this.lost();
  }

  /** Somebody looks again, or the network is back: no need to wait any longer. */
  wake() {
    if (this.isOpen && !this.socket && !document.hidden) this.connect();
  }

  state(on, waitS, because = "") {
    Object.assign(this, { on, waitS, because });
    this.tell("state", { on, waitS, because });
  }

  took(data) {
    this.heardMs = Date.now();
    if (data instanceof ArrayBuffer) return this.tookPicture(data);
    const message = JSON.parse(data);
    if (message.type === "stream") this.streams.add(message.stream.id);
    if (message.type === "gone") this.streams.delete(message.stream);
    this.tell(message.type, message[message.type] ?? message.stream); // a stream that is gone is told by its number
  }

  tookPicture(data) {
    this.got += 1;
    // Heard of this, the service sends no more than a few ahead: none waits in between and comes late.
    this.socket.send(JSON.stringify({ got: this.got }));
    this.tell("picture", unpacked(data));
  }

  /** Which streams are wanted as pictures. @param {Object<string, {width: number, blur: "all"|"none"}>} wanted */
  show(wanted) {
    this.wanted = wanted;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ show: wanted }));
  }

  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

/** Four bytes of length, a JSON head, a JPEG. */
export function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { head, jpeg: new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" }) };
}

export const feed = new Feed();
