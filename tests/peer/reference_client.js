// Asks a peer (its URL is the argument) for everything the tests count on, through the
// reference client, and says "ok" or "not ok" of each: a peer that is wrong itself would
// make our own tests prove nothing.
"use strict";
const assert = require("assert");
const { io } = require("socket.io-client");
const WebSocket = require("ws");

const [url, flavour] = process.argv.slice(2);
const connect = (options, nsp = "/") =>
  io(url + nsp, { transports: ["websocket"], reconnection: false, forceNew: true, ...options });
const once = (socket, event) =>
  new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
const connected = async (options, nsp) => {
  const socket = connect(options, nsp);
  await once(socket, "welcome");
  return socket;
};

const plain = async () => {
  const ws = new WebSocket(url.replace("http", "ws"));
  await once(ws, "open");
  return ws;
};

const plainCases = {
  async "echoes text and binary"() {
    const ws = await plain();
    for (const message of ["grüße", Buffer.from([0, 255])]) {
      const back = once(ws, "message");
      ws.send(message);
      const [data, isBinary] = await back;
      assert.strictEqual(isBinary, typeof message !== "string");
      assert.deepStrictEqual(data, Buffer.from(message));
    }
  },
  async "pings and closes on order"() {
    const ws = await plain();
    const back = once(ws, "message");
    ws.send("/ping 7");
    assert.strictEqual(String((await back)[0]), "pong 7");
    const gone = once(ws, "close");
    ws.send("/close 4001 go away");
    const [code, reason] = await gone;
    assert.deepStrictEqual([code, String(reason)], [4001, "go away"]);
  },
};

const socketCases = {
  async "echoes by event and by ack"() {
    const socket = await connected();
    const event = once(socket, "echo");
    const ack = new Promise((resolve) => socket.emit("echo", 1, "zwei", { drei: [3] }, (...a) => resolve(a)));
    assert.deepStrictEqual(await event, [1, "zwei", { drei: [3] }]);
    assert.deepStrictEqual(await ack, [1, "zwei", { drei: [3] }]);
  },
  async "tells the time"() {
    const socket = await connected();
    const time = await socket.timeout(2000).emitWithAck("time");
    assert(Math.abs(time - Date.now()) < 5000);
  },
  async "asks, and reports the reply"() {
    const socket = await connected();
    socket.on("question", (text, ack) => ack(`${text}!`));
    const asked = once(socket, "asked");
    socket.emit("ask", "really");
    assert.deepStrictEqual(await asked, [{ reply: ["really!"] }]);
  },
  async "refuses a bad token with a message and data"() {
    const [error] = await once(connect({ auth: { token: "bad" } }), "connect_error");
    assert.strictEqual(error.message, "bad token");
    assert.deepStrictEqual(error.data, { code: "UNAUTHORIZED", retry: false });
  },
  async "admits admins alone to /admin"() {
    const [error] = await once(connect({}, "/admin"), "connect_error");
    assert.strictEqual(error.message, "admins only");
    const socket = await connected({ auth: { token: "admin" } }, "/admin");
    const me = await socket.timeout(2000).emitWithAck("whoami");
    assert.strictEqual(me.namespace, "/admin");
    assert.strictEqual(me.auth.token, "admin");
  },
  async "kicks"() {
    const socket = await connected();
    const gone = once(socket, "disconnect");
    socket.emit("kick");
    assert.strictEqual((await gone)[0], "io server disconnect");
  },
  async "drops the transport"() {
    const socket = await connected();
    const gone = once(socket, "disconnect");
    socket.emit("drop");
    assert.match((await gone)[0], /^transport/);
  },
  async "floods, in order"() {
    const socket = await connected();
    let last = 0;
    socket.on("tick", (i) => assert.strictEqual(i, ++last));
    const flooded = once(socket, "flooded");
    socket.emit("flood", 2000, "x");
    await flooded;
    assert.strictEqual(last, 2000);
  },
  async "keeps rooms apart and broadcasts to the others"() {
    const [a, b] = [await connected(), await connected()];
    await a.timeout(2000).emitWithAck("join", "den");
    b.on("said", () => assert.fail("heard from outside the room"));
    const said = once(a, "said");
    b.emit("say", "den", "hello");
    assert.deepStrictEqual(await said, ["hello", b.id]);
    const heard = once(b, "broadcast");
    a.emit("broadcast", "all");
    assert.deepStrictEqual(await heard, ["all", a.id]);
  },
  async "leaves an ack unanswered, or answers late"() {
    const socket = await connected();
    await assert.rejects(socket.timeout(100).emitWithAck("silent"));
    assert.strictEqual(await socket.timeout(2000).emitWithAck("late", 20), "late");
  },
  async "carries binary both ways"() {
    const socket = await connected();
    const event = once(socket, "echo");
    socket.emit("echo", { bytes: Buffer.from([0, 1, 255]) });
    assert.deepStrictEqual([...(await event)[0].bytes], [0, 1, 255]);
  },
};

async function main() {
  const cases = flavour === "ws" ? plainCases : socketCases;
  let failed = 0;
  for (const [name, test] of Object.entries(cases)) {
    let timer;
    const late = new Promise((_, no) => (timer = setTimeout(no, 8000, new Error("no end"))));
    try {
      await Promise.race([test(), late]);
      console.log(`ok ${flavour}: ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${flavour}: ${name}\n${error.stack}`);
    }
    clearTimeout(timer);
  }
  process.exit(failed ? 1 : 0);
}
main();
