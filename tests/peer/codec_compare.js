// The codecs beside npm's: random packets, encoded by socket.io-parser, engine.io-parser and
// socket.io-msgpack-parser and decoded by ours (build/tests/codec), and the other way round.
// --seed=N repeats a run; --count=N packets of each kind.
"use strict";
const { spawn } = require("child_process");
const assert = require("assert");
const readline = require("readline");
const sio = require("socket.io-parser");
const eio = require("engine.io-parser");
const msgpack = require("socket.io-msgpack-parser");

const args = Object.fromEntries(process.argv.slice(2).map((a) => a.replace(/^--/, "").split("=")));
const seed = Number(args.seed || (Math.random() * 2 ** 31) >>> 0), count = Number(args.count || 400);

// --- random values (mulberry32) ---
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const int = (n) => Math.floor(random() * n);
const pick = (list) => list[int(list.length)];
const times = (n, fn) => Array.from({ length: n }, fn);

const letters = ["a", "Z", " ", '"', "\\", "/", "\n", "\u0000", "\u007f", "é", "κ", "中", "😀", "\u2028", "\ufffd", ",", "-", "7"];
const string = () => times(pick([0, 1, 3, 8, 31, 32, 40, 300]), () => pick(letters)).join("");
const bytes = () => Buffer.from(times(pick([0, 1, 5, 255, 256, 1000]), () => int(256)));
const edges = [0, 31, 32, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
const number = () => pick([() => pick(edges), () => -pick(edges) || 0, () => int(1000), () => random() * 10 ** (int(40) - 20), () => -random()])();
function value(depth, room) {
  const kinds = [string, number, number, () => null, () => random() < 0.5];
  if (room.binary > 0) kinds.push(() => (room.binary--, bytes()));
  if (depth > 0) {
    kinds.push(() => times(pick([0, 1, 3, 16, 20]), () => value(depth - 1, room)));
    kinds.push(() => Object.fromEntries(times(pick([0, 1, 3, 17]), () => [key(), value(depth - 1, room)])));
  }
  return pick(kinds)();
}
// Keys that JavaScript does not move to the front, and that mean nothing to a parser.
const key = () => pick(["", "_placeholder", "num", "x"]) + pick(letters) + Array.from(string()).slice(0, 5).join("") + "k";
function packet(binary) {
  const type = pick([2, 3]), room = { binary };
  const data = times(int(4), () => value(3, room));
  if (type === 2) data.unshift(pick(["e", "message", "naïve", "a b"]));
  const p = { type, nsp: pick(["/", "/admin", "/a-b/é"]), data };
  if (type === 3 || random() < 0.3) p.id = pick([0, 1, 12, 2 ** 53 - 1]);
  return p;
}

// --- both forms of a value ---
const isBytes = (v) => Buffer.isBuffer(v) || v instanceof ArrayBuffer;
const plain = (v) =>
  isBytes(v) ? { $bytes: Buffer.from(v).toString("hex") }
  : Array.isArray(v) ? v.map(plain)
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]))
  : Object.is(v, -0) ? 0 : v;
const hex = (b) => Buffer.from(b).toString("hex") || "-";
const unhex = (text) => Buffer.from(text === "-" ? "" : text, "hex");

// --- ours ---
const codec = spawn(process.env.CODEC, { stdio: ["pipe", "pipe", "inherit"] });
const waiting = [];
readline.createInterface({ input: codec.stdout }).on("line", (line) => waiting.shift()(line));
codec.on("exit", (code) => waiting.length && fail("codec", `it ended with ${code}`));
const ask = (...words) => new Promise((done) => (waiting.push(done), codec.stdin.write(words.join(" ") + "\n")));
function read(line) {
  assert(!line.startsWith("error "), line);
  const [type, nsp, ack, ...rest] = line.split(" ");
  const p = { type: Number(type), nsp, data: rest.join(" ") === "-" ? undefined : JSON.parse(rest.join(" ")) };
  if (ack !== "-1") p.id = Number(ack);
  return p;
}
const given = (p) => [p.type, p.nsp, p.id === undefined ? -1 : p.id, hex(JSON.stringify(plain(p.data)))];

// --- theirs ---
function decoded(decoder, parts) {
  let got;
  decoder.on("decoded", (p) => (got = p));
  for (const part of parts) decoder.add(part);
  assert(got, "no packet came of it");
  const p = { type: got.type > 4 ? got.type - 3 : got.type, nsp: got.nsp, data: plain(got.data) };
  if (got.id !== undefined) p.id = got.id;
  return p;
}
const want = (p) => ({ ...p, data: plain(p.data) });

const checks = {
  async "socket.io-parser to us"() {
    const p = packet(10);
    const parts = new sio.Encoder().encode({ ...p });
    assert.deepStrictEqual(read(await ask("decode", ...parts.map(hex))), want(p));
  },
  async "us to socket.io-parser"() {
    const p = packet(10);
    const line = await ask("encode", ...given(p));
    const [text, ...parts] = line.split(" ").map(unhex);
    assert(!line.startsWith("error"), line);
    assert.deepStrictEqual(decoded(new sio.Decoder(), [text.toString(), ...parts]), want(p));
  },
  async "socket.io-msgpack-parser to us"() {
    const p = packet(20);
    if (random() < 0.2) p.data.push(undefined, new Date(int(2 ** 31) * 1000 + int(1000)), new Uint8Array([1, 2]).buffer);
    const [bin] = new msgpack.Encoder().encode(p);
    const data = p.data.map((v) => (v === undefined ? null : v instanceof Date ? v.toISOString() : v));
    assert.deepStrictEqual(read(await ask("unpack", hex(bin))), want({ ...p, data }));
  },
  async "us to socket.io-msgpack-parser"() {
    const p = packet(20);
    const bin = unhex(await ask("pack", ...given(p)));
    assert.deepStrictEqual(decoded(new msgpack.Decoder(), [bin]), want(p));
  },
  async "engine.io-parser to us"() {
    const type = pick(["open", "close", "ping", "pong", "message", "upgrade", "noop"]), data = string();
    const text = await new Promise((done) => eio.encodePacket({ type, data }, true, done));
    const [kind, body] = (await ask("eio", hex(text))).split(" ");
    assert.strictEqual(["open", "close", "ping", "pong", "message", "upgrade", "noop"][Number(kind)], type);
    assert.strictEqual(unhex(body).toString(), data);
  },
  // What the reference parser refuses is refused here too.
  async "texts that socket.io-parser refuses"() {
    const parts = new sio.Encoder().encode(packet(0)), text = parts[0].split("");
    const at = int(Math.min(text.length, 12));
    text.splice(at, int(2), pick(["5", "-", "[", "{", "9", "", ",", "x"]));
    let theirs = true;
    try {
      decoded(new sio.Decoder(), [text.join("")]);
    } catch (err) {
      theirs = false;
    }
    const ours = !(await ask("decode", hex(text.join("")))).startsWith("error ");
    // It knows no types of payload for CONNECT without one, ids, and reserved names are looked
    // at elsewhere: ours may be stricter, never laxer.
    assert(theirs || !ours || reserved(text.join("")), `ours took ${JSON.stringify(text.join(""))}`);
  },
};
// The reference parser wants a string or number first in an event: here that is looked at where
// the handler is looked up.
const reserved = (text) => /^2/.test(text);

let name;
function fail(what, why) {
  console.log(`not ok ${what}: seed ${seed}: ${why}`);
  process.exit(1);
}
(async () => {
  console.log(`# seed ${seed}`);
  for (name of Object.keys(checks)) {
    for (let i = 0; i < count; i++) await checks[name]();
    console.log(`ok ${name}: ${count} packets`);
  }
  codec.stdin.end();
})().catch((err) => fail(name, err.message));
