// Zustand's side of tests/bench/stores: vanilla, with persist to a Map, which is quicker than any
// disk, except where the start is measured; see stores.lua.
"use strict";
const fs = require("fs");
const { createStore } = require("../peer/node_modules/zustand/vanilla");
const { persist, createJSONStorage, subscribeWithSelector } = require("../peer/node_modules/zustand/middleware");

const mode = process.env.BENCH;
const n = Number(process.env.BENCH_N || 0);
const subscribers = Number(process.env.BENCH_SUBS || 0);
const file = process.env.BENCH_FILE;

let written = 0;
const memory = new Map();
const ram = {
  getItem: (key) => memory.get(key) || null,
  setItem: (key, text) => ((written += Buffer.byteLength(text)), memory.set(key, text)),
  removeItem: (key) => memory.delete(key),
};
const disk = {
  getItem: () => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null),
  setItem: (key, text) => fs.writeFileSync(file, text),
  removeItem: () => {},
};
const initial = () => ({ messages: [], n: 0 });
const kept = (storage) => createStore(persist(initial, { name: "chat", storage: createJSONStorage(() => storage) }));
const plain = () => createStore(initial);

function message(i) {
  const tail = String(i).padStart(12, "0");
  return {
    id: `8b0c6d1e-52f7-4c55-9f0e-${tail}`,
    createdAt: "2024-05-01T12:00:00.000Z", updatedAt: "2024-05-01T12:00:00.000Z",
    sessionId: `11111111-2222-4333-8444-${String(Math.floor(i / 1000)).padStart(12, "0")}`, userId: "user-1",
    content: `Ships in port are safe, but that is not what they are for. ${i}`,
    type: "user", status: "sent", metadata: { confidence: 0.5, processingTime: i },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line) => process.stdout.write(line + "\n");
const seconds = () => Number(process.hrtime.bigint()) / 1e9;

// In one change: in steps, each would write all there is so far.
function fill(store) {
  store.setState({ messages: Array.from({ length: n }, (_, i) => message(i + 1)) });
}

function each(times, fn) {
  let best = Infinity;
  for (let i = 0; i < times / 10; i++) fn(i);
  for (let round = 1; round <= 5; round++) {
    const from = seconds();
    for (let i = 1; i <= times; i++) fn(round * times + i);
    best = Math.min(best, (seconds() - from) / times);
  }
  return best;
}

let worst = 0;
function watch() {
  let last = seconds();
  setInterval(() => {
    const now = seconds();
    worst = Math.max(worst, now - last - 0.001);
    last = now;
  }, 1);
}

function oneMessage(store, i) {
  store.setState((state) => {
    const messages = state.messages.slice();
    const at = (i * 7919) % n;
    messages[at] = { ...messages[at], status: `read ${i}` };
    return { messages };
  });
}

let heard = 0;
function subscribed(store) {
  for (let i = 0; i < subscribers; i++) store.subscribe(() => heard++);
  return store;
}

const modes = {
  set() {
    const store = subscribed(plain());
    return each(20000, (i) => store.setState({ n: i }));
  },
  other() {
    const store = createStore(subscribeWithSelector(initial));
    for (let i = 0; i < subscribers; i++) store.subscribe((state) => state.messages, () => heard++);
    return each(20000, (i) => store.setState({ n: i }));
  },
  change() {
    const store = subscribed(plain());
    return each(20000, (i) => store.setState((state) => ({ ...state, n: i })));
  },
  call: () => modes.set(), // it tells within the call
  message() {
    const store = kept(ram);
    fill(store);
    return each(n > 10000 ? 2 : 200, (i) => oneMessage(store, i));
  },
  async bytes() {
    const store = kept(ram);
    fill(store);
    written = 0;
    for (let i = 1; i <= 5; i++) oneMessage(store, i);
    return written / 5;
  },
  async gap() {
    const store = kept(ram);
    fill(store);
    watch();
    const stop = seconds() + 2;
    for (let i = 1; seconds() < stop; i++) {
      oneMessage(store, i);
      await sleep(2);
    }
    return worst;
  },
  async first() {
    const store = kept(ram);
    watch();
    await sleep(10);
    fill(store);
    await sleep(1000);
    return worst;
  },
  memory() {
    const store = plain();
    // as they come from a server: no string is shared with the source's
    store.setState({ messages: Array.from({ length: n }, (_, i) => JSON.parse(JSON.stringify(message(i + 1)))) });
    for (let i = 0; i < 3; i++) global.gc();
    say("ready");
    process.stdin.on("data", () => store.getState()).resume();
  },
  keep() {
    fill(kept(disk));
    say("ready");
    process.stdin.resume();
  },
  open: () => (kept(disk), say("ready")),
  stay() {
    const store = kept(disk);
    say("ready");
    process.stdin.on("data", () => store.getState()).resume();
  },
  open_one() {
    if (kept(disk).getState().messages[(n >> 1) - 1].id !== message(n >> 1).id) throw new Error("another message");
    say("ready");
  },
  open_all() {
    let bytes = 0;
    for (const item of kept(disk).getState().messages) bytes += item.content.length;
    if (bytes < n * 50) throw new Error("too few");
    say("ready");
  },
  // It knows no other way than to read all at once, when the store is made.
  touch() {
    const from = seconds();
    if (kept(disk).getState().messages.length !== n) throw new Error("too few");
    return seconds() - from;
  },
  load: () => modes.touch(),
};

(async () => {
  await turn();
  const number = await modes[mode]();
  if (number === undefined) return;
  say(`result ${number}`);
  process.exit(0);
})();
