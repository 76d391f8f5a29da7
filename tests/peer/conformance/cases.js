// Groups 1 to 5 and 7 of the public Autobahn test suite, in its order and numbering, after
// its published descriptions.
"use strict";
const { TEXT, BINARY, CLOSE, PING, PONG } = require("./frames");
const { sleep } = require("./connection");

const event = (type) => (data) => ({ type, data: Buffer.from(data) });
const text = event("text"), binary = event("binary"), pong = event("pong");
const hello = "Hello, world!", bytes = Buffer.from("00fffefdfcfb00ff", "hex");
const reserved = "reserved opcode payload";
const failed = { end: "them", codes: [1002] };

const cases = [];
let group = "";
function add(id, test) {
  cases.push({ id, group, ok: [], end: "us", ...test });
}

// --- 1: framing ---
group = "1 framing";
const sizes = [[0], [125], [126], [127], [128], [65535], [65536], [65536, 997]];
for (const [series, opcode, type, fill] of [[1, TEXT, text, "*"], [2, BINARY, binary, "\xfe"]]) {
  sizes.forEach(([size, chop], i) => {
    const payload = Buffer.alloc(size, fill, "latin1");
    add(`1.${series}.${i + 1}`, { send: (c) => c.frame(opcode, payload, { chop }), ok: [type(payload)] });
  });
}

// --- 2: pings and pongs ---
group = "2 ping and pong";
const long = Buffer.alloc(125, 0xfe);
const ping = (payload, how) => ({ send: (c) => c.frame(PING, payload, how), ok: [pong(payload)] });
const tenPings = (how) => ({
  async send(c) {
    for (let i = 0; i < 10; i++) await c.frame(PING, `payload-${i}`, how);
  },
  ok: [...Array(10).keys()].map((i) => pong(`payload-${i}`)),
});
add("2.1", ping(""));
add("2.2", ping(hello));
add("2.3", ping(bytes));
add("2.4", ping(long));
add("2.5", { send: (c) => c.frame(PING, Buffer.alloc(126, 0xfe)), ...failed });
add("2.6", ping(long, { chop: 1 }));
add("2.7", { send: (c) => c.frame(PONG) });
add("2.8", { send: (c) => c.frame(PONG, "unsolicited pong payload") });
add("2.9", {
  async send(c) {
    await c.frame(PONG, "unsolicited pong payload");
    await c.frame(PING, "ping payload");
  },
  ok: [pong("ping payload")],
});
add("2.10", tenPings());
add("2.11", tenPings({ chop: 1 }));

// --- 3 and 4: reserved bits and opcodes ---
// A good message, the bad frame, a ping: the echo comes, the pong does not.
const between = (opcode, payload, bad, how = {}) => ({
  async send(c) {
    await c.text(hello, how);
    await c.frame(opcode, payload, { ...bad, ...how });
    await c.frame(PING, "", how);
  },
  ok: [text(hello)],
  nonStrict: [],
  ...failed,
});
group = "3 reserved bits";
add("3.1", { send: (c) => c.text(hello, { rsv: 1 }), ...failed });
add("3.2", between(TEXT, hello, { rsv: 2 }));
add("3.3", between(TEXT, hello, { rsv: 3 }, { chop: 1000 }));
add("3.4", between(TEXT, hello, { rsv: 4 }, { chop: 1 }));
add("3.5", { send: (c) => c.frame(BINARY, bytes, { rsv: 5 }), ...failed });
add("3.6", { send: (c) => c.frame(PING, hello, { rsv: 6 }), ...failed });
add("3.7", { send: (c) => c.frame(CLOSE, "", { rsv: 7 }), ...failed });

group = "4 opcodes";
for (const [series, first] of [[1, 3], [2, 11]]) {
  add(`4.${series}.1`, { send: (c) => c.frame(first), ...failed });
  add(`4.${series}.2`, { send: (c) => c.frame(first + 1, reserved), ...failed });
  add(`4.${series}.3`, between(first + 2, "", {}));
  add(`4.${series}.4`, between(first + 3, hello, {}));
  add(`4.${series}.5`, between(first + 4, hello, {}, { chop: 1 }));
}

// --- 5: fragments ---
group = "5 fragments";
const more = { fin: false };
// Frames as [opcode, payload, fin]; "wait" lets time go by.
const say = (frames, how) => async (c) => {
  for (const f of frames) {
    if (f === "wait") await sleep(100);
    else await c.frame(f[0], f[1], { fin: f[2] !== false, ...how });
  }
};
const octets = { chop: 1 }, frameWise = { chop: 1 << 20 };
const two = [[TEXT, "fragment1", false], [0, "fragment2"]];
const pinged = [two[0], [PING, "ping payload"], two[1]];
const joined = [text("fragment1fragment2")];
const lost = (fin) => [[0, "non-continuation payload", fin], [TEXT, hello]];
const twice = (fin) => [0, 1].flatMap(() => [[0, "fragment1", fin], [TEXT, "fragment2", false], [0, "fragment3"]]);
const five = [
  [TEXT, "fragment1", false], [0, "fragment2", false], [PING, "pongme 1!"], "wait",
  [0, "fragment3", false], [0, "fragment4", false], [PING, "pongme 2!"], [0, "fragment5"],
];
const fiveBack = [pong("pongme 1!"), pong("pongme 2!"), text("fragment1fragment2fragment3fragment4fragment5")];

add("5.1", { send: say([[PING, "fragment1", false], [0, "fragment2"]]), ...failed });
add("5.2", { send: say([[PONG, "fragment1", false], [0, "fragment2"]]), ...failed });
add("5.3", { send: say(two), ok: joined });
add("5.4", { send: say(two, frameWise), ok: joined });
add("5.5", { send: say(two, octets), ok: joined });
[undefined, frameWise, octets].forEach((how, i) => {
  add(`5.${6 + i}`, { send: say(pinged, how), ok: [pong("ping payload"), ...joined] });
});
[undefined, frameWise, octets].forEach((how, i) => add(`5.${9 + i}`, { send: say(lost(true), how), ...failed }));
[undefined, frameWise, octets].forEach((how, i) => add(`5.${12 + i}`, { send: say(lost(false), how), ...failed }));
add("5.15", { send: say([...two, [0, "fragment3", false], [TEXT, "fragment4"]]), ok: joined, nonStrict: [], ...failed });
add("5.16", { send: say(twice(false)), ...failed });
add("5.17", { send: say(twice(true)), ...failed });
add("5.18", { send: say([[TEXT, "fragment1", false], [TEXT, "fragment2"]]), ...failed });
add("5.19", { send: say(five), ok: fiveBack });
add("5.20", { send: say(five, frameWise), ok: fiveBack });

// --- 7: closing ---
group = "7 closing";
const said = (send, more_ = {}) => ({ send, end: "said", ...more_ });
const notUtf8 = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex");
const refused = { codes: [1002] };
const after = (...frames) => said(async (c) => {
  for (const f of frames) await (f === "close" ? c.close(1000) : c.frame(...f));
});
add("7.1.1", { send: (c) => c.text("Hello World!"), ok: [text("Hello World!")] });
add("7.1.2", after("close", [CLOSE, ""]));
add("7.1.3", after("close", [PING, ""]));
add("7.1.4", after("close", [TEXT, "Hello World!"]));
add("7.1.5", after([TEXT, "fragment1", more], "close", [0, "fragment2"]));
const big = Buffer.alloc(256 * 1024, "BAsd7&jh23");
add("7.1.6", { ...after([TEXT, big], [TEXT, "Hello World!"], "close", [PING, ""]), ok: [text(big), text("Hello World!")], nonStrict: [] });
add("7.3.1", said((c) => c.close(), { codes: [1000, 1005] }));
add("7.3.2", said((c) => c.frame(CLOSE, "a"), refused));
add("7.3.3", said((c) => c.close(1000)));
add("7.3.4", said((c) => c.close(1000, "Hello World!")));
add("7.3.5", said((c) => c.close(1000, "*".repeat(123))));
add("7.3.6", said((c) => c.close(1000, "*".repeat(124)), refused));
add("7.5.1", said((c) => c.close(1000, notUtf8), { codes: [1007] }));
[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].forEach((code, i) => {
  add(`7.7.${i + 1}`, said((c) => c.close(code), { codes: [code] }));
});
[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].forEach((code, i) => {
  add(`7.9.${i + 1}`, said((c) => c.close(code), refused));
});
add("7.13.1", said((c) => c.close(5000), refused));
add("7.13.2", said((c) => c.close(65535), refused));

module.exports = { cases, text, binary, pong };
