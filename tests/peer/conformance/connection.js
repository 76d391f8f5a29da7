// One connection of a client under test: what it says as events, in order, and what a case
// says to it, whole or in chops.
"use strict";
const { TEXT, BINARY, CLOSE, PONG, frame, closePayload, Reader } = require("./frames");

const turn = () => new Promise(setImmediate);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

class Connection {
  constructor(socket) {
    this.socket = socket;
    this.reader = new Reader();
    this.events = [];
    this.ended = false; // the client has hung up
    this.closed = false; // its close frame came
    socket.setNoDelay(true);
    socket.on("error", () => this.end());
    socket.on("end", () => this.end());
    socket.on("close", () => this.end());
  }
  end() {
    if (!this.ended) this.put({ type: "end" });
    this.ended = true;
  }
  put(event) {
    this.events.push(event);
    if (this.wake) this.wake();
  }
  // Bytes after the handshake.
  take(chunk) {
    this.reader.push(chunk);
    try {
      for (let event; (event = this.reader.next()); ) {
        if (this.closed) throw Error(`a ${event.type} after its close frame`);
        if (event.type === "close") this.closed = true;
        if (event.type === "ping") this.frame(PONG, event.data); // its heartbeat
        else this.put(event);
      }
    } catch (err) {
      this.put({ type: "violation", data: Buffer.from(`the client sent ${err.message}`) });
    }
  }
  // The next event, or { type: "timeout" }; peek leaves it there.
  async next(ms, peek = false) {
    if (!this.events.length) {
      await new Promise((done) => {
        const timer = setTimeout(done, ms);
        this.wake = () => (clearTimeout(timer), done());
      });
      this.wake = null;
    }
    if (!this.events.length) return { type: "timeout" };
    return peek ? this.events[0] : this.events.shift();
  }

  // --- what a case says; all wait until the system has taken it ---
  async bytes(data, chop = 0) {
    const step = chop || data.length || 1;
    for (let at = 0; at < data.length && !this.ended; at += step) {
      if (!this.socket.write(data.subarray(at, at + step))) await this.drained();
      if (chop) await turn();
    }
  }
  drained() {
    return new Promise((done) => {
      this.socket.once("drain", done);
      this.socket.once("close", done);
    });
  }
  frame(opcode, payload, how = {}) {
    return this.bytes(frame(opcode, payload, how), how.chop);
  }
  text(payload, how) {
    return this.frame(TEXT, payload, how);
  }
  close(code, reason, how) {
    return this.frame(CLOSE, code === undefined ? "" : closePayload(code, reason), how);
  }
  // What a message was compressed to, whole or in fragments.
  async deflated(payload, { binary = false, fragment = 0 }) {
    const size = fragment || payload.length || 1, frames = [];
    for (let at = 0; at === 0 || at < payload.length; at += size) {
      const how = { fin: at + size >= payload.length, rsv: at ? 0 : 4 };
      frames.push(frame(at ? 0 : binary ? BINARY : TEXT, payload.subarray(at, at + size), how));
    }
    await this.bytes(Buffer.concat(frames));
  }
  // A message in fragments of `size` bytes; batch: so many bytes go into one write.
  async fragments(payload, size, { binary = false, batch = 65536 } = {}) {
    const body = Buffer.from(payload);
    let frames = [], length = 0;
    for (let at = 0; at === 0 || at < body.length; at += size) {
      const fin = at + size >= body.length;
      frames.push(frame(at ? 0 : binary ? BINARY : TEXT, body.subarray(at, at + size), { fin }));
      length += size;
      if (length < batch && !fin) continue;
      await this.bytes(Buffer.concat(frames));
      frames = [], length = 0;
    }
  }
}

module.exports = { Connection, sleep, turn };
