/** The socket of live pictures: says what comes, and comes back by itself with growing waits. */

const WAITS_S = [1, 2, 4, 8, 15, 30];

/** Tells: `stream`, `gone` (a number), `event`, `picture` (head and JPEG) and `state` ({on, waitS}). */
class Feed extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { socket: null, tries: 0, wanted: {}, timer: null, on: false, waitS: 0, isOpen: false, got: 0 });
  }

  /** Begin, if it has not. */
  open() {
    if (this.isOpen) return;
    this.isOpen = true;
    this.connect();
  }

  /** End: whoever is here is signed out. */
  close() {
    this.isOpen = false;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/v1/live/pictures`);
    this.socket.binaryType = "arraybuffer";
    this.got = 0;
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("message", ({ data }) => this.took(data));
    const { socket } = this;
    socket.addEventListener("close", () => { if (socket === this.socket) this.lost(); });
  }

  opened() {
    this.tries = 0;
    this.state(true, 0);
    this.show(this.wanted);
  }

  lost() {
    if (!this.isOpen) return;
    const waitS = WAITS_S[Math.min(this.tries++, WAITS_S.length - 1)];
    this.state(false, waitS);
    // A little by chance, so that a hundred screens do not come back in the same moment.
    this.timer = setTimeout(() => this.connect(), 1000 * waitS * (0.8 + 0.4 * Math.random()));
  }

  state(on, waitS) {
    Object.assign(this, { on, waitS });
    this.tell("state", { on, waitS });
  }

  took(data) {
    if (data instanceof ArrayBuffer) return this.tookPicture(data);
    const message = JSON.parse(data);
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
