// A Socket.IO server behind a proxy that cuts connections. Prints PORT (the proxy's) and reads rules by
// HTTP on the same port's /rule: `?way=up&at=n` cuts the next WebSocket connection when n bytes have gone
// up (to the server) or down; `?way=none` lets it live. `how=silent` goes on holding it, and says
// nothing more. /seen gives how often the server has seen each id: {id: count}.
//
//   count(id) ack       notes the id, answers it;  push(id): told(id) comes back
"use strict";
const http = require("http");
const net = require("net");
const url = require("url");
const { Server } = require("socket.io");
const { options, stopWithParent } = require("./peer");

const opt = options({ pingInterval: 25000, pingTimeout: 20000 });
const seen = {};
let rule = { way: "none" };
let passed = { up: 0, down: 0 };

const server = http.createServer((req, res) => {
  const { pathname, query } = url.parse(req.url, true);
  if (pathname === "/rule") {
    rule = { way: query.way, at: Number(query.at), how: query.how };
    return res.end(JSON.stringify(passed));
  }
  res.end(JSON.stringify(seen));
});
const io = new Server(server, { pingInterval: opt.pingInterval, pingTimeout: opt.pingTimeout });
io.on("connection", (socket) => {
  const note = (id) => { seen[id] = (seen[id] || 0) + 1; };
  socket.on("count", (id, ack) => { note(id); ack(id); });
  socket.on("push", (id) => { note(id); socket.emit("told", id); });
});

// Passes on until the rule's byte; then both ends are cut, or nothing passes any more.
function pass(from, to, way, mine) {
  from.on("data", (data) => {
    if (mine.over) return;
    const before = mine[way];
    mine[way] += data.length;
    if (mine.rule.way !== way || mine[way] < mine.rule.at) return to.write(data);
    mine.over = true;
    to.write(data.subarray(0, mine.rule.at - before));
    if (mine.rule.how === "silent") return;
    setImmediate(() => { from.resetAndDestroy(); to.end(); });
  });
  from.on("error", () => {}).on("close", () => mine.rule.how === "silent" || to.end());
}

// The first line tells a request for rules from a connection to be passed on.
const front = net.createServer((client) => {
  client.once("data", (first) => {
    const plain = /^GET \/(rule|seen)/.test(first.toString("latin1"));
    const mine = { up: 0, down: 0, over: false, rule: plain ? { way: "none" } : rule };
    if (!plain) { rule = { way: "none" }; passed = mine; }
    const onward = net.connect(server.address().port, "127.0.0.1");
    pass(client, onward, "up", mine);
    pass(onward, client, "down", mine);
    client.emit("data", first);
  });
  client.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => front.listen(0, "127.0.0.1", () => {
  console.log(`PORT ${front.address().port}`);
  stopWithParent(opt.limit);
}));
