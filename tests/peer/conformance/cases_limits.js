// Groups 9 and 10 of the Autobahn test suite (big messages, many messages), and what it does
// not ask: lengths and masks in wrong form, the limit on a message, close codes of later
// registration.
"use strict";
const { TEXT, BINARY, CLOSE, PING, PONG } = require("./frames");
const { text, binary, pong } = require("./cases");

const KIB = 1024, MIB = 1024 * 1024;
const kinds = [[TEXT, text, "BAsd7&jh23"], [BINARY, binary, "\xfe\x00\x80"]];

// All in full; else the slowest are cut to size: same shapes, fewer bytes.
function limits(full) {
  const cases = [];
  let group = "9 limits";
  const add = (id, test) => cases.push({ id, group, ok: [], end: "us", limit: group[0] === "9" ? 60000 : 5000, ...test });
  const filled = (size, kind) => Buffer.alloc(size, kind[2], "latin1");

  // --- 9.1, 9.2: in one frame ---
  kinds.forEach((kind, k) => {
    [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].forEach((size, i) => {
      const test = { send: (c) => c.frame(kind[0], filled(size, kind)) };
      Object.defineProperty(test, "ok", { enumerable: true, get: () => [kind[1](filled(size, kind))] });
      add(`9.${k + 1}.${i + 1}`, test);
    });
  });
  // --- 9.3, 9.4: in fragments ---
  kinds.forEach((kind, k) => {
    [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB].forEach((size, i) => {
      const payload = filled(full ? 4 * MIB : Math.min(4 * MIB, size * 8192), kind);
      add(`9.${k + 3}.${i + 1}`, { send: (c) => c.fragments(payload, size, { binary: kind[0] === BINARY, batch: 16 * KIB }), ok: [kind[1](payload)] });
    });
  });
  // --- 9.5, 9.6: in chops ---
  kinds.forEach((kind, k) => {
    [64, 128, 256, 512, KIB, 2 * KIB].forEach((chop, i) => {
      const payload = filled(full ? MIB : Math.min(MIB, chop * 2048), kind);
      add(`9.${k + 5}.${i + 1}`, { send: (c) => c.frame(kind[0], payload, { chop }), ok: [kind[1](payload)] });
    });
  });
  // --- 9.7, 9.8: round trips ---
  kinds.forEach((kind, k) => {
    [0, 16, 64, 256, KIB, 4 * KIB].forEach((size, i) => {
      add(`9.${k + 7}.${i + 1}`, { drive: (c) => roundTrips(c, kind, size, 1000) });
    });
  });

  group = "10 auto-fragmentation";
  const stars = "*".repeat(65536);
  add("10.1.1", { send: (c) => c.fragments(stars, 1300), ok: [text(stars)] });

  group = "11 beyond the suite";
  beyond(add);
  return cases;
}

async function roundTrips(c, kind, size, count) {
  const payload = Buffer.alloc(size, kind[0] === TEXT ? "*" : 0xfe), type = kind[1](payload).type;
  for (let i = 0; i < count; i++) {
    await c.frame(kind[0], payload);
    const { type: got, data } = await c.next(10000);
    if (got !== type || Buffer.compare(data, payload)) throw Error(`echo ${i + 1} is a ${got}`);
  }
  const masks = new Set(c.reader.masks);
  if (masks.size < count - 5) throw Error(`${masks.size} different masks in ${count} frames`);
}

function beyond(add) {
  const failed = { end: "them", codes: [1002] };
  const said = (send, codes) => ({ send, end: "said", codes });
  let n = 0;
  const next = (test) => add(`11.${++n}`, test);
  // lengths in more bytes than they need, or impossible
  next({ send: (c) => c.text("x", { form: 3 }), ...failed });
  next({ send: (c) => c.text("x".repeat(125), { form: 9 }), ...failed });
  next({ send: (c) => c.text("x".repeat(65535), { form: 9 }), ...failed });
  next({ send: (c) => c.bytes(Buffer.from("817fffffffffffffffff", "hex")), ...failed });
  next({ send: (c) => c.frame(PING, "x", { form: 3 }), ...failed });
  // a server masks nothing
  next({ send: (c) => c.text("masked", { mask: Buffer.from([1, 2, 3, 4]) }), ...failed });
  next({ send: (c) => c.text("masked", { mask: Buffer.alloc(4) }), ...failed });
  next({ send: (c) => c.frame(PONG, "x".repeat(126)), ...failed });
  next({ send: (c) => c.frame(CLOSE, "", { fin: false }), ...failed });
  // a message that is too large is refused when it is announced, whole or in fragments
  next({ send: (c) => c.frame(BINARY, "", { length: 64 * MIB + 1 }), end: "them", codes: [1009] });
  next({
    async send(c) {
      await c.frame(BINARY, "x", { fin: false });
      await c.frame(0, "", { length: 64 * MIB });
    },
    end: "them", codes: [1009],
  });
  // close codes that IANA has registered since, and those that never go over the wire
  for (const code of [1012, 1013, 1014]) next(said((c) => c.close(code), [code]));
  for (const code of [1015, 2999, 5000]) next(said((c) => c.close(code), [1002]));
  // a reason cut within a character; a close between fragments, in single bytes
  next(said((c) => c.close(1000, Buffer.from("c3", "hex")), [1007]));
  next(said((c) => c.close(1000, "bye", { chop: 1 }), [1000]));
  // pings in great number before the pongs are read
  next({
    async send(c) {
      for (let i = 0; i < 200; i++) await c.frame(PING, String(i));
    },
    ok: [...Array(200).keys()].map((i) => pong(String(i))),
  });
  // 200 empty fragments, pings between them
  next({
    async send(c) {
      for (let i = 0; i < 200; i++) {
        await c.frame(i ? 0 : TEXT, "", { fin: false });
        if (i % 100 === 99) await c.frame(PING, "between");
      }
      await c.frame(0, "end");
    },
    ok: [pong("between"), pong("between"), text("end")],
  });
  // messages in order, text and binary in turns, all in one segment
  next({
    send: (c) => inOneSegment(c, 50),
    ok: [...Array(50).keys()].map((i) => (i % 2 ? binary : text)(`message ${i}`)),
  });
  // messages before the close frame and before a violation, in the same segment: echoed first
  next({ ...said((c) => inOneSegment(c, 20, CLOSE, Buffer.from([3, 232])), [1000]), ok: [...Array(20).keys()].map((i) => (i % 2 ? binary : text)(`message ${i}`)) });
  next({ send: (c) => inOneSegment(c, 20, 3, ""), ...failed, ok: [...Array(20).keys()].map((i) => (i % 2 ? binary : text)(`message ${i}`)) });
}

function inOneSegment(c, count, opcode, payload) {
  const { frame } = require("./frames");
  const frames = [...Array(count).keys()].map((i) => frame(i % 2 ? BINARY : TEXT, `message ${i}`));
  if (opcode) frames.push(frame(opcode, payload));
  return c.bytes(Buffer.concat(frames));
}

module.exports = { limits };
