// The reference client against our server: server_client.js URL SCRIPT. Rewrites SCRIPT to have
// it reloaded while clients are connected. Prints "ok NAME" or "not ok NAME: why".
const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const { io } = require("socket.io-client");
const WebSocket = require("ws");
const [url, script] = process.argv.slice(2);

let failed = false;
const open = [];
async function test(name, fn) {
  const start = Date.now();
  const timer = new Promise((_, no) => setTimeout(() => no(new Error("took too long")), 10000).unref());
  try {
    await Promise.race([fn(), timer]);
    console.log(`ok ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed = true;
    console.log(`not ok ${name}: ${error.stack}`);
  }
  for (const socket of open.splice(0)) socket.disconnect();
}

const once = (emitter, event) => new Promise((yes) => emitter.once(event, (...args) => yes(args)));
function client(transports, options = {}, nsp = "") {
  const socket = io(url + nsp, { transports, forceNew: true, reconnection: false, ...options });
  open.push(socket);
  return socket;
}
async function joined(transports, options, nsp) {
  const socket = client(transports, options, nsp);
  await once(socket, "connect");
  return socket;
}

function request(method, path, { body, headers } = {}) {
  return new Promise((yes, no) => {
    const req = http.request(url + path, { method, headers }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (part) => (text += part));
      res.on("end", () => yes({ status: res.statusCode, headers: res.headers, text }));
    });
    req.on("error", no);
    req.end(body);
  });
}

async function routes() {
  const hello = await request("GET", "/hello/a%20b?x=1&y=%26&x=2", { headers: { "X-Agent": "me" } });
  assert.equal(hello.status, 200);
  assert.equal(hello.headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(hello.text),
    { hello: "a b", query: { x: "2", y: "&" }, seen: true, agent: "me" });
  const echo = await request("POST", "/echo", { body: '{"a":[1,{},[]]}' });
  assert.equal(echo.status, 201);
  assert.equal(echo.text, '{"a":[1,{},[]]}');
  assert.equal(echo.headers["x-thing"], "a, b");
  assert.equal((await request("GET", "/slow")).text, "slow");
  assert.equal((await request("DELETE", "/hello/x")).status, 204);
  const head = await request("HEAD", "/slow");
  assert.equal(head.headers["content-length"], "4");
}

async function refusals() {
  assert.equal((await request("GET", "/nope")).status, 404);
  const wrong = await request("PUT", "/hello/x");
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.allow, "DELETE, GET, HEAD");
  assert.equal((await request("POST", "/echo", { body: "{" })).status, 400);
  assert.equal((await request("POST", "/echo", { body: "x".repeat(1000001) })).status, 413);
  const boom = await request("GET", "/boom");
  assert.equal(boom.status, 500);
  assert.equal(JSON.parse(boom.text).error.code, "INTERNAL");
  assert.equal((await request("GET", "/missing")).status, 410);
  assert.equal((await request("GET", "/slow", { headers: { "X-Stop": "1" } })).status, 401);
}

async function websocket() {
  const ws = new WebSocket(url.replace("http", "ws") + "/ws?name=you");
  assert.equal(String((await once(ws, "message"))[0]), "hello you");
  ws.send(Buffer.from([1, 2, 255]));
  const [data, binary] = await once(ws, "message");
  assert.ok(binary && data.equals(Buffer.from([1, 2, 255])));
  ws.send("é".repeat(100000));
  assert.equal(String((await once(ws, "message"))[0]).length, 100000);
  ws.close(1000);
  assert.equal((await once(ws, "close"))[0], 1000);
  const none = new WebSocket(url.replace("http", "ws") + "/none");
  const [error] = await once(none, "error");
  assert.match(error.message, /404/);
}

async function events(transports) {
  const [a, b] = await Promise.all([joined(transports), joined(transports)]);
  const [sum, count, rooms] = await new Promise((yes) => a.emit("add", 2, 3, (...args) => yes(args)));
  assert.deepEqual([sum, count, rooms], [5, 1, []]);
  const shouted = once(b, "shouted");
  const value = { text: "\u{1F600} ünï", list: [null, 1.5, true, [], {}], big: 2 ** 53 };
  a.emit("shout", value);
  assert.deepEqual(await shouted, [value]);
  a.once("question", (n, answer) => answer("it is " + n));
  a.emit("ask", 5);
  assert.deepEqual(await once(a, "answered"), ["it is 42", null]);
  a.emit("ask", 0.05);
  assert.deepEqual(await once(a, "answered"), [null, "TIMEOUT"]);
  a.emit("boom");
  assert.equal(await a.emitWithAck("add", 1, 1), 2);
}

// Files: binary data in events and acks, both ways, in any order and beside ordinary ones.
async function files(transports) {
  const [a, b] = await Promise.all([joined(transports), joined(transports)]);
  for (const size of [0, 1, 3, 1000, 300000]) {
    const bytes = Buffer.from(Array.from({ length: Math.min(size, 1000) }, (_, i) => i % 256));
    const file = Buffer.concat(Array.from({ length: Math.ceil(size / 1000) }, () => bytes));
    const filed = once(a, "filed");
    const [back, name, list] = await new Promise((yes) =>
      a.emit("files", "n" + size, size === 3 ? new Uint8Array(file) : file, (...args) => yes(args)));
    assert.ok(file.equals(back) && name === "n" + size && list[0].length === 0);
    const [{ name: filedName, copies }] = await filed;
    assert.equal(filedName, name);
    assert.ok(file.equals(copies[0]) && Buffer.from(file).reverse().equals(copies[1]));
  }
  a.once("file", (bytes, answer) => answer(bytes, [1, Buffer.from([255])]));
  a.emit("ask_file");
  assert.deepEqual((await once(a, "asked"))[0], Buffer.from([0, 1, 2, 255]));
  const shared = Promise.all([once(a, "shared"), once(b, "shared")]);
  const sums = [1, 2, 3].map((n) => a.emitWithAck("add", n, n));
  a.emit("share_file", Buffer.from("for all"));
  sums.push(a.emitWithAck("add", 4, 4));
  assert.deepEqual((await shared).map(([bytes]) => String(bytes)), ["for all", "for all"]);
  assert.deepEqual(await Promise.all(sums), [2, 4, 6, 8]);
}

async function roomsTest(transports) {
  const [a, b, c] = await Promise.all([joined(transports), joined(transports), joined(transports)]);
  const heard = [];
  for (const [name, socket] of [["a", a], ["b", b], ["c", c]])
    socket.on("said", (text) => heard.push(name + " " + text));
  await Promise.all([a.emitWithAck("join", "r"), b.emitWithAck("join", "r")]);
  a.emit("say", "r", "all");
  a.emit("others", "r", "others");
  await a.emitWithAck("leave", "r");
  b.emit("say", "r", "left");
  for (const socket of [b, a, c]) await socket.emitWithAck("add", 1, 1);
  assert.deepEqual(heard.sort(), ["a all", "b all", "b left", "b others"]);
}

async function namespaces(transports) {
  const [error] = await once(client(transports, { auth: { token: "bad" } }), "connect_error");
  assert.equal(error.message, "no entry");
  assert.deepEqual(error.data, { why: "bad" });
  const [none] = await once(client(transports, {}, "/none"), "connect_error");
  assert.equal(none.message, "Invalid namespace");
  const admin = await joined(transports, {}, "/admin");
  assert.deepEqual(await new Promise((yes) => admin.emit("who", (...args) => yes(args))),
    ["admin", "/admin"]);
}

async function ends(transports) {
  const [a, b, watcher] = await Promise.all([joined(transports), joined(transports), joined(transports)]);
  const left = [];
  const all = new Promise((yes) => watcher.on("left", (reason) => left.push(reason) === 3 && yes()));
  a.emit("out", false);
  assert.equal((await once(a, "disconnect"))[0], "io server disconnect");
  b.disconnect();
  const c = await joined(transports);
  c.io.engine.close();
  await all;
  assert.deepEqual(left.sort(),
    ["client namespace disconnect", "server namespace disconnect", "transport close"]);
}

// Several heartbeats (of 0.1 s) go by.
async function heartbeat(transports) {
  const socket = await joined(transports);
  let pings = 0;
  await new Promise((yes) => socket.io.on("ping", () => ++pings === 4 && yes()));
  assert.ok(socket.connected);
}

// A client that does not answer the heartbeat is let go.
async function silence() {
  const ws = new WebSocket(url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket");
  await once(ws, "open");
  ws.send("40");
  await once(ws, "close");
}

async function polite() {
  const bad = async (path, code) => {
    const answer = await request("GET", "/socket.io/" + path);
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(answer.text).code, code);
  };
  await bad("?EIO=3&transport=polling", 5);
  await bad("?EIO=4&transport=smoke", 0);
  await bad("?EIO=4&transport=polling&sid=nobody", 1);
  await bad("?EIO=4&transport=websocket", 3);
}

// What breaks the rules closes the connection, and nothing else.
async function rude() {
  for (const packet of ["42[\"early\"]", "40[1]", "9", "4", "40nonsense", "2", "451-[\"x\"]2", "42{}",
    Buffer.from("x"), "42[\"connect\"]", "40\u0000", "4" + "[".repeat(2000)]) {
    const ws = new WebSocket(url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket");
    await once(ws, "open");
    ws.send(packet);
    await once(ws, "close");
  }
  assert.equal((await request("GET", "/version")).status, 200);
}

// Saves the script with another version, and waits until that answers.
async function save() {
  const text = fs.readFileSync(script, "utf8");
  const version = 1 + Number(text.match(/VERSION = (\d+)/)[1]);
  fs.writeFileSync(script, text.replace(/VERSION = \d+/, "VERSION = " + version));
  for (;;) {
    const now = JSON.parse((await request("GET", "/version")).text).version;
    if (now === version) return version;
    await new Promise((yes) => setTimeout(yes, 10));
  }
}

// Events that keep coming while the script is reloaded are each answered, once, in order.
async function flood(transports) {
  const socket = await joined(transports);
  let sent = 0, answered = 0;
  const timer = setInterval(() => {
    sent++;
    socket.emit("add", 1, 1, (sum, count) => assert.equal(count, ++answered));
  }, 1);
  for (let i = 0; i < 4; i++) await save();
  clearInterval(timer);
  while (answered < sent) await new Promise((yes) => setTimeout(yes, 5));
  assert.equal(answered, sent);
}

// The script is saved while clients are connected: they stay, with rooms and data, and the new
// handlers answer.
async function reload(transports) {
  const [a, b] = await Promise.all([joined(transports), joined(transports)]);
  let welcomes = 0, gone = 0;
  await a.emitWithAck("join", "r");
  await Promise.all([a.emitWithAck("add", 1, 1), b.emitWithAck("add", 1, 1)]);
  for (const socket of [a, b]) {
    socket.on("disconnect", () => gone++);
    socket.on("welcome", () => welcomes++);
  }
  const slow = request("GET", "/slow");
  const version = await save();
  assert.equal((await slow).text, "slow");
  const answer = await new Promise((yes) => a.emit("add", 2, 2, (...args) => yes(args)));
  assert.deepEqual(answer, [4, 2, ["r"], version]);
  const said = once(a, "said");
  b.emit("say", "r", "still here");
  assert.deepEqual(await said, ["still here"]);
  await heartbeat(transports);
  assert.equal(gone + welcomes, 0);
}

(async () => {
  await test("routes", routes);
  await test("refusals", refusals);
  await test("plain WebSocket", websocket);
  await test("bad Engine.IO requests", polite);
  await test("rude packets", rude);
  await test("silence is noticed", silence);
  for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
    const by = transports.join(" then ");
    await test(`events, ${by}`, () => events(transports));
    await test(`files, ${by}`, () => files(transports));
    await test(`rooms, ${by}`, () => roomsTest(transports));
    await test(`namespaces, ${by}`, () => namespaces(transports));
    await test(`ends, ${by}`, () => ends(transports));
    await test(`heartbeat, ${by}`, () => heartbeat(transports));
    await test(`reload, ${by}`, () => reload(transports));
    await test(`events over reloads, ${by}`, () => flood(transports));
  }
  process.exit(failed ? 1 : 0);
})();
