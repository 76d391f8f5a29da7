// permessage-deflate from the server's side (RFC 7692), on node's zlib: the answer to an offer,
// and both streams. Strict: what the client sends is inflated with no more window and context
// than was agreed, so that using more shows.
"use strict";
const zlib = require("zlib");

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

// The parameters of the first offer of permessage-deflate in the request, or null.
function offered(head) {
  const header = /^Sec-WebSocket-Extensions: *(.*)$/im.exec(head);
  for (const offer of header ? header[1].split(",") : []) {
    const [name, ...parameters] = offer.trim().split(/\s*;\s*/);
    if (name !== "permessage-deflate") continue;
    return Object.fromEntries(parameters.map((p) => p.split("=")).map(([key, value]) => [key, value || ""]));
  }
  return null;
}

// Grants what is offered and asks the client for { noTakeover, bits }. Gives { header, server,
// client }, or null where the client did not offer that.
function agree(offer, ask) {
  if (!offer || (ask.bits && !("client_max_window_bits" in offer))) return null;
  const hint = Number(offer.client_max_window_bits) || 15;
  const server = { noTakeover: "server_no_context_takeover" in offer, bits: Number(offer.server_max_window_bits) || 15 };
  const client = { noTakeover: !!ask.noTakeover || "client_no_context_takeover" in offer, bits: Math.min(ask.bits || 15, hint) };
  const words = ["permessage-deflate"];
  if (server.noTakeover) words.push("server_no_context_takeover");
  if (offer.server_max_window_bits) words.push(`server_max_window_bits=${server.bits}`);
  if (ask.noTakeover) words.push("client_no_context_takeover");
  if (ask.bits) words.push(`client_max_window_bits=${client.bits}`);
  return { header: `Sec-WebSocket-Extensions: ${words.join("; ")}\r\n`, server, client };
}

// Puts the pieces through the stream and gives what came out by then.
function through(stream, ...pieces) {
  return new Promise((done, fail) => {
    const out = [];
    const over = (err) => {
      stream.removeListener("error", over).removeAllListeners("data");
      if (err) fail(err);
      else done(Buffer.concat(out));
    };
    stream.on("data", (chunk) => out.push(chunk)).on("error", over);
    for (const piece of pieces) stream.write(piece);
    stream.flush(zlib.constants.Z_SYNC_FLUSH, () => over());
  });
}

class Streams {
  constructor({ server, client }) {
    this.terms = { server, client };
    this.out = zlib.createDeflateRaw({ windowBits: server.bits });
    this.in = zlib.createInflateRaw({ windowBits: client.bits });
  }
  async deflate(data) {
    const small = await through(this.out, data);
    if (this.terms.server.noTakeover) this.out.reset();
    return data.length ? small.subarray(0, -4) : Buffer.from([0]);
  }
  async inflate(data) {
    const big = await through(this.in, data, TAIL);
    if (this.terms.client.noTakeover) this.in.reset();
    return big;
  }
  close() {
    this.out.close();
    this.in.close();
  }
}

module.exports = { offered, agree, Streams };
