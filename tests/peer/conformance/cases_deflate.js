// Groups 12 and 13 of the Autobahn test suite: messages of different sizes, compressed, whole
// and in fragments, under different terms; after its published descriptions, with data of the
// same kinds. Then what it does not ask. In full: 1,000 messages each.
"use strict";
const zlib = require("zlib");
const { TEXT, BINARY, PING, frame, isText } = require("./frames");
const { text, pong } = require("./cases");

const sizes = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map((size) => [size, 0]),
  ...[8192, 16384, 32768, 65536, 131072].map((size) => [size, 256]),
  [131072, 1024], [131072, 4096], [131072, 32768],
];

// --- the data: 200,000 bytes or more, the same in each run ---
function random(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}
const words = "der die das und nicht mehr wo wie es ist ein Wort Geist Faust Mephistopheles Nacht Licht steht geht sieht fällt schön Äther Höhe".split(" ");
const prose = (pick) => Array.from({ length: 8 }, () => words[pick(words.length)]).join(" ");

function gathered(make) {
  const pick = random(1), parts = [];
  for (let size = 0; size < 200000; ) size += parts[parts.push(make(pick, parts.length)) - 1].length;
  return typeof parts[0] === "string" ? parts.join("") : Buffer.concat(parts);
}
const record = (pick, id) =>
  JSON.stringify({ id, name: `user${pick(1000)}`, score: pick(1e6) / 7, tags: ["a", "b", "c"].slice(pick(3)), note: prose(pick).replace(/[^ -~]/g, "?") });
const page = (pick, n) => `<tr class="row${n % 2}"><td><a href="/x?id=${pick(1e6)}">${prose(pick)} — 潮</a></td></tr>\n`;
const row = (pick, y) => Buffer.from(Array.from({ length: 512 }, (_, x) => (x / 3 + y / 5 + pick(4)) & 255));
const noise = (pick, n) => (n % 3 ? Buffer.from(Array.from({ length: 600 }, () => pick(256))) : Buffer.from(`${n} 0 obj << /Length ${pick(9999)} >> stream\n`));
const kinds = [
  ["JSON", () => gathered(record)],
  ["a bitmap", () => gathered(row)],
  ["prose", () => Buffer.from(gathered((pick) => `${prose(pick)}\n`))],
  ["HTML", () => gathered(page)],
  ["hardly compressible", () => gathered(noise)],
].map(([name, make]) => ({ name, get: () => (kinds.kept[name] = kinds.kept[name] || make()) }));
kinds.kept = {};

// --- a case: `count` messages of `size` characters or bytes, each echoed before the next ---
function echoed(c, got, want, binary) {
  if (got.type !== (binary ? "binary" : "text")) throw Error(`got ${got.type} ${got.data || ""}`);
  if (!got.compressed) throw Error("the echo is not compressed");
  return c.streams.inflate(got.data).then((data) => {
    if (Buffer.compare(data, want)) throw Error(`an echo of ${data.length} bytes differs from the ${want.length} sent`);
    if (!binary && !isText(data)) throw Error("a text that is not UTF-8");
  });
}

async function exchange(c, data, size, fragment, count) {
  if (!c.streams) throw Error("permessage-deflate was not offered");
  const binary = typeof data !== "string";
  for (let i = 0, at = 0; i < count; i++, at = (at + size) % data.length) {
    const message = Buffer.from(binary ? Buffer.concat([data, data]).subarray(at, at + size) : (data + data).substr(at, size));
    await c.deflated(await c.streams.deflate(message), { binary, fragment });
    await echoed(c, await c.next(20000), message, binary);
  }
}

// What is asked of the client: the first of these that it offered.
const plain = [{}];
const terms = [
  plain,
  [{ noTakeover: true }],
  [{ bits: 9 }],
  [{ bits: 15 }],
  [{ noTakeover: true, bits: 9 }],
  [{ noTakeover: true, bits: 15 }],
  [{ noTakeover: true, bits: 9 }, { noTakeover: true }, {}],
];

function compressed(full) {
  const cases = [];
  const series = (section, group, kind, ask) => sizes.forEach(([size, fragment], i) => {
    const count = full ? 1000 : Math.max(3, Math.min(20, Math.floor(65536 / size)));
    cases.push({ id: `${section}.${i + 1}`, group, ok: [], end: "us", limit: 60000, ask, drive: (c) => exchange(c, kind.get(), size, fragment, count) });
  });
  kinds.forEach((kind, k) => series(`12.${k + 1}`, "12 compression: sizes and kinds", kind, plain));
  terms.forEach((ask, k) => series(`13.${k + 1}`, "13 compression: terms", kinds[0], ask));
  beyond((test) => {
    const id = `14.${cases.filter((other) => other.group === "14 compression beyond the suite").length + 1}`;
    cases.push({ id, group: "14 compression beyond the suite", ok: [], end: "us", ask: plain, ...test });
  });
  return cases;
}

// --- what the suite does not ask ---
const small = (data, how) => zlib.deflateRawSync(data, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...how }).subarray(0, -4);
const failed = (...codes) => ({ end: "them", codes });

function beyond(add) {
  const hello = "Hello, Hello, Hello!", sent = small(hello);
  const back = (send, wants = [hello]) => ({
    async drive(c) {
      await send(c);
      for (const want of wants) await echoed(c, await c.next(5000), Buffer.from(want));
    },
  });
  const one = (payload, how) => (c) => c.deflated(payload, how || {});
  // the examples of RFC 7692, 7.2.3: one block, two blocks, stored, final, context taken over
  add(back(one(Buffer.from("f248cdc9c90700", "hex")), ["Hello"]));
  add(back(one(Buffer.from("f24805000000ffffcac9c90700", "hex")), ["Hello"]));
  add(back(one(Buffer.from("000500faff48656c6c6f00", "hex")), ["Hello"]));
  add(back(one(Buffer.from("f348cdc9c9070000", "hex")), ["Hello"]));
  add(back(async (c) => {
    await c.deflated(Buffer.from("f248cdc9c90700", "hex"), {});
    const again = c.streams.terms.server.noTakeover ? "f248cdc9c90700" : "f200110000";
    await c.deflated(Buffer.from(again, "hex"), {});
  }, ["Hello", "Hello"]));
  // nothing, compressed: as one empty stored block, as an empty fixed block
  add(back(one(Buffer.from([0])), [""]));
  add(back(one(Buffer.from([2, 0])), [""]));
  // in fragments of a byte, empty ones and pings among them
  add(back(one(sent, { fragment: 1 })));
  add(back(async (c) => {
    await c.frame(TEXT, "", { fin: false, rsv: 4 });
    await c.frame(0, sent.subarray(0, 3), { fin: false });
    await c.frame(0, "", { fin: false });
    await c.frame(0, sent.subarray(3), { fin: false });
    await c.frame(0, "");
  }));
  add({
    async drive(c) {
      await c.frame(TEXT, sent.subarray(0, 5), { fin: false, rsv: 4 });
      await c.frame(PING, "between");
      await c.frame(0, sent.subarray(5));
      const first = await c.next(5000);
      if (first.type !== "pong") throw Error(`got ${first.type}, not the pong`);
      await echoed(c, await c.next(5000), Buffer.from(hello));
    },
  });
  // one that is not compressed between those that are: it is no part of the context
  add(back(async (c) => {
    await c.deflated(await c.streams.deflate(Buffer.from(hello)), {});
    await c.text("as it is");
    await c.deflated(await c.streams.deflate(Buffer.from(hello)), {});
  }, [hello, "as it is", hello]));
  // RSV1 where it may not be: on a control frame, on a continuation, beside RSV2
  add({ send: (c) => c.frame(PING, "", { rsv: 4 }), ...failed(1002) });
  add({
    async send(c) {
      await c.frame(TEXT, sent.subarray(0, 5), { fin: false, rsv: 4 });
      await c.frame(0, sent.subarray(5), { rsv: 4 });
    },
    ...failed(1002),
  });
  add({ send: (c) => c.frame(TEXT, sent, { rsv: 6 }), ...failed(1002) });
  // what is no deflate stream, ends within one, refers to what was never sent, is no UTF-8
  add({ send: (c) => c.frame(BINARY, "\xff\xff\xff\xff", { rsv: 4 }), ...failed(1002, 1007) });
  add({ send: (c) => c.frame(TEXT, sent.subarray(0, 5), { rsv: 4 }), ...failed(1002, 1007) });
  add({ send: (c) => c.frame(TEXT, Buffer.from("f200110000", "hex"), { rsv: 4 }), ...failed(1002, 1007) });
  add({ send: (c) => c.frame(TEXT, small(Buffer.from("abcedcbdcea1", "hex")), { rsv: 4 }), ...failed(1007) });
  // what inflates to more than a message may have
  add({ send: (c) => c.frame(BINARY, small(Buffer.alloc((64 << 20) + 1)), { rsv: 4 }), ...failed(1009), limit: 20000 });
  // compressed, where it was not agreed to
  add({ ask: null, send: (c) => c.frame(TEXT, sent, { rsv: 4 }), ...failed(1002) });
  // and without: the client does without, too
  add({ ask: null, send: (c) => c.frame(PING, "x").then(() => c.text(hello)), ok: [pong("x"), text(hello)] });
}

module.exports = { compressed };
