// RFC 6455 by hand, from the server's side, and able to break it: frames written bit by bit,
// and a reader that is strict with what the client writes.
"use strict";
const { createHash } = require("crypto");

const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
const names = { [TEXT]: "text", [BINARY]: "binary", [CLOSE]: "close", [PING]: "ping", [PONG]: "pong" };

// fin, rsv, mask (4 bytes) and form (1, 3 or 9 bytes of length, whatever is needed) may be
// told; head: the header alone, for `length` bytes that the caller writes.
function frame(opcode, payload = "", { fin = true, rsv = 0, mask, form, length } = {}) {
  const body = Buffer.from(payload);
  const len = length === undefined ? body.length : length;
  const bytes = form || (len < 126 ? 1 : len < 65536 ? 3 : 9);
  const head = Buffer.alloc(1 + bytes + (mask ? 4 : 0));
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (mask ? 0x80 : 0) | (bytes === 1 ? len : bytes === 3 ? 126 : 127);
  if (bytes === 3) head.writeUInt16BE(len, 2);
  if (bytes === 9) head.writeBigUInt64BE(BigInt(len), 2);
  if (mask) {
    mask.copy(head, 1 + bytes);
    for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
  }
  return Buffer.concat([head, body]);
}

function closePayload(code, reason = "") {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

const accept = (key) =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

function answer(key, more = "") {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept(key)}\r\n${more}\r\n`;
}

// The lead of a well-formed UTF-8 text, or -1: the index of the first byte that no text can
// have there (RFC 3629). `ends`: whether the bytes end between characters.
function utf8(bytes) {
  let left = 0, low = 0x80, high = 0xbf;
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i];
    if (left) {
      if (b < low || b > high) return { bad: i, ends: false };
      left--, low = 0x80, high = 0xbf;
    } else if (b >= 0x80) {
      if (b < 0xc2 || b > 0xf4) return { bad: i, ends: false };
      left = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
      low = b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80;
      high = b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf;
    }
  }
  return { bad: -1, ends: left === 0 };
}
const isText = (bytes) => utf8(bytes).bad < 0 && utf8(bytes).ends;

// Takes the client's bytes, gives { type, data } (whole messages and control frames), and
// throws the first thing that a client may not write.
class Reader {
  constructor() {
    this.chunks = [];
    this.size = 0;
    this.need = 2;
    this.parts = null;
    this.masks = [];
    this.deflate = false; // RSV1 marks a message as compressed, and it is left so
  }
  push(chunk) {
    this.chunks.push(chunk);
    this.size += chunk.length;
  }
  next() {
    for (;;) {
      if (this.size < this.need) return null;
      if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
      const head = this.header(this.chunks[0]);
      if (!head) continue; // more is needed
      const event = this.take(head);
      if (event) return event;
    }
  }
  header(b) {
    const mark = b[1] & 0x7f, extra = mark === 126 ? 2 : mark === 127 ? 8 : 0;
    if (!(b[1] & 0x80)) throw Error("a frame without a mask");
    this.need = 6 + extra;
    if (this.size < this.need) return null;
    const length = extra === 2 ? b.readUInt16BE(2) : extra ? Number(b.readBigUInt64BE(2)) : mark;
    if (extra && length < (extra === 2 ? 126 : 65536)) throw Error("a length that is not minimal");
    this.need += length;
    return this.size < this.need ? null : { fin: b[0] & 0x80, rsv: b[0] & 0x70, opcode: b[0] & 15, at: 6 + extra, length };
  }
  take({ fin, rsv, opcode, at, length }) {
    const b = this.chunks[0], mask = b.subarray(at - 4, at), data = Buffer.from(b.subarray(at, at + length));
    for (let i = 0; i < length; i++) data[i] ^= mask[i & 3];
    this.masks.push(mask.readUInt32BE(0));
    this.chunks = [b.subarray(at + length)];
    this.size -= at + length;
    this.need = 2;
    if (rsv && !(rsv === 0x40 && this.deflate && (opcode === TEXT || opcode === BINARY))) throw Error("reserved bits");
    if (opcode === TEXT || opcode === BINARY) this.compressed = rsv !== 0;
    if (opcode >= CLOSE) return this.control(fin, opcode, data);
    return this.data(fin, opcode, data);
  }
  control(fin, opcode, data) {
    if (!names[opcode]) throw Error(`opcode ${opcode}`);
    if (!fin || data.length > 125) throw Error("a control frame that is too long, or a fragment");
    if (opcode !== CLOSE) return { type: names[opcode], data };
    if (data.length === 1) throw Error("a close frame of one byte");
    if (!isText(data.subarray(2))) throw Error("a close reason that is not UTF-8");
    return { type: "close", data, code: data.length ? data.readUInt16BE(0) : 1005 };
  }
  data(fin, opcode, data) {
    if (opcode > BINARY) throw Error(`opcode ${opcode}`);
    if (!opcode !== !!this.parts) throw Error("fragments out of order");
    if (opcode) this.kind = opcode;
    this.parts = [...(this.parts || []), data];
    if (!fin) return null;
    const whole = this.parts.length === 1 ? data : Buffer.concat(this.parts);
    this.parts = null;
    if (this.kind === TEXT && !this.compressed && !isText(whole)) throw Error("a text that is not UTF-8");
    return { type: names[this.kind], data: whole, compressed: this.compressed };
  }
}

module.exports = { TEXT, BINARY, CLOSE, PING, PONG, frame, closePayload, answer, accept, utf8, isText, Reader };
