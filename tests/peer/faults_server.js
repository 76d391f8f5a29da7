// An HTTP/1.1 server on raw connections that breaks the rules, as the path asks: over TCP and over
// TLS, where curl's own HTTP speaks with it too. `node faults_server.js --folder=F`, where F holds
// server.pem and server.key; prints PLAIN=port, TLS=port, UNIX_PATH=path, READY.
//
// /tell says as JSON: {connection, request} counted over all, method, headers, closed (how many
// connections the clients ended).
"use strict";
const fs = require("fs");
const net = require("net");
const path = require("path");
const tls = require("tls");
const zlib = require("zlib");
const peer = require("./peer.js");

const opt = peer.options({ folder: "." });
const seen = { late: 0, connections: 0, requests: 0, closed: 0, unix: 0, paths: {} };

const OK = "HTTP/1.1 200 OK\r\n";
const whole = (body, head = "") => Buffer.concat([Buffer.from(`${OK}${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`), Buffer.from(body)]);
const coded = (coding, body) => whole(body, `Content-Encoding: ${coding}\r\n`);
const chunked = (rest) => `${OK}Transfer-Encoding: chunked\r\n\r\n${rest}`;
const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
const packed = zlib.gzipSync("hello ");
const world = zlib.gzipSync("world");

// Bytes to write, or a function of the connection and the request.
const answers = {
  "/ok": whole("ok"),
  // bytes that nobody asked for
  "/behind-204": `HTTP/1.1 204 No Content\r\n\r\n${evil}`,
  "/behind-304": `HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n${evil}`,
  "/behind-205": `HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n${evil}`,
  "/behind-head": `${OK}Content-Length: 4\r\n\r\n${evil}`,
  "/behind-length": `${OK}Content-Length: 2\r\n\r\nok${evil}`,
  "/behind-chunks": `${chunked("2\r\nok\r\n0\r\n\r\n")}${evil}`,
  "/behind-later": (c) => (c.write(whole("ok")), later(() => c.write(evil, sent))),
  "/idle-408": (c) => (c.write(whole("ok")), later(() => c.end("HTTP/1.1 408 Idle\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", sent))),
  // Crosses the next request on its way, and does not say that the connection is over.
  "/cross-408": (c) => (c.write(whole("ok")), (c.crosses = true)),
  "/idle-end": (c) => (c.write(whole("ok")), later(() => c.end(sent))),
  // lengths and lines
  "/folded": whole("ok", "A: b\r\n  c\r\n\tX-Evil: 1\r\n"),
  "/trailers": chunked("2\r\nok\r\n0\r\nX-Evil: 1\r\nSet-Cookie: evil=1\r\n\r\n"),
  "/empty-trailers": chunked("0\r\nX-Evil: 1\r\n\r\n"),
  "/length-same": `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
  "/length-other": `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!`,
  "/length-list": `${OK}Content-Length: 2, 3\r\n\r\nok!`,
  "/length-plus": `${OK}Content-Length: +2\r\n\r\nok`,
  "/length-minus": `${OK}Content-Length: -2\r\n\r\nok`,
  "/length-word": `${OK}Content-Length: two\r\n\r\nok`,
  "/chunk-word": chunked("xyz\r\nok\r\n0\r\n\r\n"),
  "/chunk-minus": chunked("-2\r\nok\r\n0\r\n\r\n"),
  "/chunk-long": chunked("fffffffffffffffffff\r\nok\r\n0\r\n\r\n"),
  "/chunk-empty": chunked("\r\nok\r\n0\r\n\r\n"),
  "/switch": "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  "/interim": (c, req) => c.write("HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n".repeat(Number(req.query.get("n"))) + whole("ok")),
  "/huge": (c, req) => c.write(`${OK}${`X: ${"y".repeat(1000)}\r\n`.repeat(Number(req.query.get("kb")))}Content-Length: 2\r\n\r\nok`),
  "/many": (c, req) => c.write(`${OK}${"a:b\r\n".repeat(Number(req.query.get("n")))}Content-Length: 2\r\n\r\nok`),
  // codings
  "/gzip": coded("gzip", zlib.gzipSync("hello world")),
  "/members": coded("gzip", Buffer.concat([packed, world])),
  "/zeros": coded("gzip", Buffer.concat([packed, world, Buffer.alloc(600)])),
  "/deflate": coded("deflate", zlib.deflateSync("hello world")),
  "/raw-deflate": coded("deflate", zlib.deflateRawSync("hello world")),
  "/twice": coded("deflate, gzip", zlib.gzipSync(zlib.deflateSync("hello world"))),
  "/unknown": coded("br", "hello world"),
  "/odd": coded("utf-8", "hello world"),
  "/no-body": coded("gzip", ""),
  "/short": coded("gzip", packed.subarray(0, -4)),
  "/shorter": coded("gzip", packed.subarray(0, 12)),
  "/short-member": coded("gzip", Buffer.concat([packed, world.subarray(0, 12)])),
  "/short-deflate": coded("deflate", zlib.deflateSync("hello world").subarray(0, -2)),
  "/junk": coded("gzip", Buffer.concat([packed, Buffer.from("junk")])),
  "/bomb": coded("gzip", zlib.gzipSync(Buffer.alloc(30000000))),
  "/short-end": (c) => c.end(Buffer.concat([Buffer.from(`${OK}Content-Encoding: gzip\r\n\r\n`), packed.subarray(0, -4)])),
  // redirects
  "/away": (c) => c.write(`HTTP/1.1 302 Away\r\nLocation: /ok\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\nno gzip`),
  "/away-chunks": `HTTP/1.1 303 Away\r\nLocation: /ok\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  "/away-endless": (c) => c.write(`HTTP/1.1 301 Away\r\nLocation: /ok\r\n\r\nand so on`),
  "/away-unix": (c, req) => c.write(`HTTP/1.1 ${req.query.get("code")} Away\r\nLocation: unix:${path.join(opt.folder, "door.sock")}:/\r\nContent-Length: 0\r\n\r\n`),
  // ends
  "/early": (c) => c.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"),
  "/early-200": (c) => c.write(whole("enough")),
  "/die": (c) => (c.requests > 1 ? c.destroy() : c.write(whole("ok"))),
  "/to-end": (c) => c.end(`${OK}\r\nall of it`),
  "/torn-end": (c) => c.write(`${OK}\r\nall of it`, () => tear(c)),
  "/cut": (c, req) => c.write(whole("0123456789").subarray(0, Number(req.query.get("at"))), () => c.destroy()),
  "/trickle": (c) => trickle(c, whole("ok")),
  "/stall": (c) => c.write(`${OK}Content-Length: 9\r\n\r\nhalf`),
};

const later = (fn) => setTimeout(fn, 10);
const sent = () => seen.late++;

// Ends the connection below TLS, which says nothing then.
function tear(c) {
  if (c._parent) c._parent.destroy();
  else c.destroy();
  c.destroy();
}

function trickle(c, bytes) {
  let i = 0;
  const timer = setInterval(() => (i < bytes.length ? c.write(bytes.subarray(i, ++i)) : clearInterval(timer)), 1);
  c.on("close", () => clearInterval(timer));
}

// Answers as it reads.
function echo(c, from, left) {
  c.write(`${OK}Content-Length: ${left}\r\n\r\n`);
  const give = (bytes) => {
    left -= bytes.length;
    if (!c.write(bytes)) c.pause(), c.once("drain", () => c.resume());
    if (left === 0) c.removeAllListeners("data").on("data", (more) => take(c, more));
  };
  const rest = c.buffer.subarray(from);
  c.buffer = Buffer.alloc(0);
  c.removeAllListeners("data").on("data", give);
  if (rest.length) give(rest);
  return false;
}

function tell(c, req) {
  c.write(whole(JSON.stringify({ connection: c.number, request: ++seen.requests, method: req.method, headers: req.headers,
    closed: seen.closed, late: seen.late, unix: seen.unix, paths: seen.paths, body: req.body })));
}

// Takes one request off the buffer; an early answer does not wait for the body.
function next(c) {
  const end = c.buffer.indexOf("\r\n\r\n");
  if (end < 0 || c.deaf) return false;
  const [line, ...lines] = c.buffer.subarray(0, end).toString("latin1").split("\r\n");
  const [method, target] = line.split(" ");
  const headers = {};
  for (const each of lines) headers[each.slice(0, each.indexOf(":")).toLowerCase()] = each.slice(each.indexOf(":") + 1).trim();
  const where = new URL(target, "http://x");
  const length = Number(headers["content-length"] || 0);
  c.deaf = where.pathname.startsWith("/early");
  if (where.pathname === "/echo") return echo(c, end + 4, length);
  if (!c.deaf && c.buffer.length < end + 4 + length) return false;
  if (c.crosses) c.write("HTTP/1.1 408 Idle\r\nContent-Length: 0\r\n\r\n"), (c.crosses = false);
  const req = { method, headers, query: where.searchParams, body: c.buffer.subarray(end + 4, end + 4 + Math.min(length, 100)).toString("latin1") };
  c.buffer = c.buffer.subarray(end + 4 + length);
  c.requests++;
  seen.paths[where.pathname] = (seen.paths[where.pathname] || 0) + 1;
  const answer = answers[where.pathname];
  if (!answer) tell(c, req);
  else if (typeof answer === "function") answer(c, req);
  else c.write(answer);
  return true;
}

function serve(c) {
  c.setNoDelay(true); // what is written is on its way
  c.number = ++seen.connections;
  c.requests = 0;
  c.buffer = Buffer.alloc(0);
  c.on("error", () => {}).on("close", () => seen.closed++);
  c.on("data", (bytes) => take(c, bytes));
}

function take(c, bytes) {
  if (c.deaf) return;
  c.buffer = Buffer.concat([c.buffer, bytes]);
  while (next(c));
  if (c.deaf) c.pause(), setTimeout(() => c.resume(), 50); // its end is seen by reading alone
}

const port = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const file = (name) => fs.readFileSync(path.join(opt.folder, name));

async function main() {
  const door = path.join(opt.folder, "door.sock");
  net.createServer((c) => (seen.unix++, c.end(whole("evil")))).listen(door);
  console.log(`PLAIN=${await port(net.createServer(serve))}`);
  console.log(`TLS=${await port(tls.createServer({ cert: file("server.pem"), key: file("server.key"), ALPNProtocols: ["http/1.1"] }, serve))}`);
  console.log("READY");
  peer.stopWithParent(opt.limit);
}

main();
