// npm's server behind a relay whose network dies when asked to: the connections that stand swallow all
// that comes, and go on standing; new ones pass. Prints PORT (the relay's). CONTROL=http://.../ is told
// by the event "control": there /die kills, and answers how many connections it has killed.
"use strict";
const http = require("http");
const net = require("net");
const { Server } = require("socket.io");
const { options, stopWithParent } = require("./peer");

const opt = options({});
const server = http.createServer();
const io = new Server(server, { pingInterval: 200, pingTimeout: 200 });
const heard = {};
io.on("connection", (socket) => {
  socket.on("control", (ack) => ack(control.address().port));
  socket.on("note", (i) => (heard[i] = (heard[i] || 0) + 1));
  socket.on("heard", (ack) => ack(heard));
  socket.on("echo", (x, ack) => ack(x));
});
let pairs = [];
const relay = net.createServer((here) => {
  const there = net.connect(server.address().port, "127.0.0.1");
  const pair = { dead: false };
  const pass = (from, to) => from.on("data", (data) => pair.dead || to.write(data))
    .on("error", () => {}).on("close", () => pair.dead || to.destroy());
  pass(here, there);
  pass(there, here);
  pairs.push(pair);
});
const control = http.createServer((req, res) => {
  for (const pair of pairs) pair.dead = true;
  res.end(String(pairs.length));
  pairs = [];
});
stopWithParent(opt.limit);
server.listen(0, "127.0.0.1", () => control.listen(0, "127.0.0.1", () =>
  relay.listen(0, "127.0.0.1", () => process.stdout.write(`PORT ${relay.address().port}\n`))));
