// Group 6 of the Autobahn test suite: UTF-8, checked while it comes. The tables are those of
// Markus Kuhn's UTF-8 decoder stress test (RFC 3629 being the judge), as the suite lists them.
"use strict";
const { TEXT, utf8, isText } = require("./frames");
const { sleep } = require("./connection");
const { text } = require("./cases");

const cases = [];
const hex = (s) => Buffer.from(s.replace(/ /g, ""), "hex");
const rows = (s) => s.trim().split(/\s*,\s*/).map(hex);
const bad = { end: "them", codes: [1007] };
function add(id, test) {
  cases.push({ id, group: "6 UTF-8", ok: [], end: "us", ...test });
}

// --- 6.1 to 6.3: empty, fragmented, invalid ---
const kosme = hex("cebae1bdb9cf83cebcceb5"), edited = Buffer.from("edited");
const surrogate = Buffer.concat([kosme, hex("eda080"), edited]);
const hello = Buffer.from("Hello-µ@ßöäüàá-UTF-8!!");
const cut = Buffer.byteLength("Hello-µ@ßöä");
const frames = (...parts) => async (c) => {
  for (const [i, part] of parts.entries()) await c.frame(i ? 0 : TEXT, part, { fin: i === parts.length - 1 });
};
add("6.1.1", { send: frames(""), ok: [text("")] });
add("6.1.2", { send: frames("", "", ""), ok: [text("")] });
add("6.1.3", { send: frames("", "middle frame payload", ""), ok: [text("middle frame payload")] });
add("6.2.1", { send: frames(hello), ok: [text(hello)] });
add("6.2.2", { send: frames(hello.subarray(0, cut), hello.subarray(cut)), ok: [text(hello)] });
add("6.2.3", { send: (c) => c.fragments(hello, 1), ok: [text(hello)] });
add("6.2.4", { send: (c) => c.fragments(kosme, 1), ok: [text(kosme)] });
add("6.3.1", { send: frames(surrogate), ...bad });
add("6.3.2", { send: (c) => c.fragments(surrogate, 1), ...bad });

// --- 6.4: fail fast ---
// The first part is good and must be waited with; the second cannot be: the close must come
// before the third part is said. If it does not, that is not strict.
const timeout = (name) => ({ type: "waited", data: Buffer.from(name) });
const stepwise = (say) => ({
  async send(c) {
    await say[0](c);
    await sleep(50);
    if (!c.ended && !c.closed) c.put(timeout("A"));
    await say[1](c);
    for (let i = 0; i < 100 && !c.closed && !c.ended; i++) await sleep(10);
    if (c.closed || c.ended) return;
    c.put(timeout("B"));
    await say[2](c);
  },
  ok: [timeout("A")],
  nonStrict: [timeout("A"), timeout("B")],
  ...bad,
});
const beyond = Buffer.concat([kosme, hex("f4908080"), edited]);
const inFrames = (...ends) => ends.map((end, i) => (c) =>
  c.frame(i ? 0 : TEXT, beyond.subarray(ends[i - 1] || 0, end), { fin: end === beyond.length }));
const inChops = (...ends) => ends.map((end, i) => async (c) => {
  if (!i) await c.frame(TEXT, "", { length: beyond.length });
  await c.bytes(beyond.subarray(ends[i - 1] || 0, end));
});
add("6.4.1", stepwise(inFrames(11, 15, 21)));
add("6.4.2", stepwise(inFrames(12, 13, 21)));
add("6.4.3", stepwise(inChops(11, 15, 21)));
add("6.4.4", stepwise(inChops(12, 13, 21)));

// --- 6.5 to 6.23: the tables; whether a row is valid is asserted, not taken from the judge ---
const spaced = (from, to) => Buffer.from([...Array(to - from).keys()].flatMap((i) => [from + i, 0x20]));
const missing = "c0, e080, f08080, f8808080, fc80808080, df, efbf, f7bfbf, fbbfbfbf, fdbfbfbfbf";
const planes = ["f0", "f1", "f2", "f3", "f4"].flatMap((a) =>
  (a === "f4" ? ["8f"] : a === "f0" ? ["9f", "af", "bf"] : ["8f", "9f", "af", "bf"]).flatMap((b) => [`${a}${b}bfbe`, `${a}${b}bfbf`]));
const around = (s) => Buffer.concat([Buffer.from("hello"), hex(s), Buffer.from("world")]);
const tables = [
  [true, ["24", "c2a2", "e282ac", "f0a4ada2"].map(around).concat([kosme])],
  [null, [...kosme].map((_, i) => kosme.subarray(0, i + 1))], // all prefixes
  [true, rows("00, c280, e0a080, f0908080")], // the first of each length
  [false, rows("f888808080, fc8480808080")],
  [true, rows("7f, dfbf, efbfbf, f48fbfbf")], // the last
  [false, rows("f7bfbfbf, fbbfbfbfbf, fdbfbfbfbfbf")],
  [null, rows("ed9fbf, ee8080, efbfbd, f48fbfbf, f4908080")], // boundaries
  [false, rows("80, bf, 80bf, 80bf80, 80bf80bf, 80bf80bf80, 80bf80bf80bf").concat([
    Buffer.from([...Array(63).keys()].map((i) => 0x80 + i))])], // continuations of nothing
  [false, [[0xc0, 0xdf], [0xe0, 0xef], [0xf0, 0xf7], [0xf8, 0xfb], [0xfc, 0xfd]].map((r) => spaced(...r))],
  [false, rows(missing)], // the last byte missing
  [false, [hex(missing.replace(/, /g, ""))]],
  [false, rows("fe, ff, fefeffff")],
  [false, rows("c0af, e080af, f08080af, f8808080af, fc80808080af")], // longer than needed
  [false, rows("c1bf, e09fbf, f08fbfbf, f887bfbfbf, fc83bfbfbfbf")],
  [false, rows("c080, e08080, f0808080, f880808080, fc8080808080")],
  [false, rows("eda080, edadbf, edae80, edafbf, edb080, edbe80, edbfbf")], // surrogates
  [false, rows("eda080edb080, eda080edbfbf, edadbfedb080, edadbfedbfbf, edae80edb080, edae80edbfbf, edafbfedb080, edafbfedbfbf")],
  [true, rows(["efbfbe", "efbfbf", ...planes].join(","))], // no characters, but valid
  [true, rows("efbfb9, efbfba, efbfbb, efbfbc, efbfbd, efbfbe, efbfbf")],
];
const table = tables.flatMap(([valid, payloads], t) =>
  payloads.map((payload, i) => {
    const good = isText(payload);
    if (valid !== null && valid !== good) throw Error(`6.${t + 5}.${i + 1} is wrong`);
    return { id: `${t + 5}.${i + 1}`, payload, good };
  }));
for (const { id, payload, good } of table)
  add(`6.${id}`, { send: (c) => c.text(payload), ...(good ? { ok: [text(payload)] } : bad) });

// --- beyond the suite: the same in fragments of one byte; what is bad before its end must be
// refused although the last fragment never comes ---
for (const { id, payload, good } of table) {
  const fast = utf8(payload).bad >= 0;
  const endless = async (c) => {
    for (const [i, byte] of payload.entries()) await c.frame(i ? 0 : TEXT, Buffer.from([byte]), { fin: false });
  };
  cases.push({
    id: `6+.${id}`, group: "6+ UTF-8 in single bytes", ok: good ? [text(payload)] : [],
    end: "us", limit: 1000, send: fast ? endless : (c) => c.fragments(payload, 1), ...(good ? {} : bad),
  });
}

module.exports = { cases };
