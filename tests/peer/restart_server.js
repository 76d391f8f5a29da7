// A Socket.IO server that is restarted again and again under load. It answers by HTTP on
// PORT: /go?restarts=n starts a run on a server of its own and answers that server's URL; /seen says
// how often each id of `count` was seen: {id: count}.
//
//   n(i)            numbered from 1, five a millisecond, from the first connection on, restarts or not
//   count(id) ack   noted, answered by the id a millisecond later
//   over(last)      after the last restart: the last number; nothing comes after it
//
// A restart ends every transport, in one of three ways (destroyed, closed by Engine.IO, closed by a
// WebSocket close), and the HTTP server; it listens anew on the same port. The Server object of
// Socket.IO is kept, as another process would keep it with a shared adapter; with --recovery=MS it
// has connectionStateRecovery, so that nothing may be lost.
"use strict";
const http = require("http");
const url = require("url");
const { Server } = require("socket.io");
const { options, listen } = require("./peer");

const opt = options({ recovery: 0 });
let seen = {};

function pump(run) {
  if (!run.begun) return;
  for (let i = 0; i < 5; i++, run.left--) run.io.emit("n", ++run.number);
  if (run.left > 0 || run.restarting || !run.io.sockets.sockets.size) return;
  if (run.restarts-- > 0) return restart(run);
  clearInterval(run.timer);
  run.io.emit("over", run.number);
}

const endings = [
  (run) => run.sockets.forEach((socket) => socket.destroy()),
  (run) => run.io.engine.close(),
  (run) => run.io.sockets.sockets.forEach((socket) => socket.conn.transport.socket && socket.conn.transport.socket.close(1012)),
];

function restart(run) {
  run.restarting = true;
  endings[run.restarts % endings.length](run);
  run.server.close(() => serve(run, run.server.port));
  setImmediate(() => run.sockets.forEach((socket) => socket.destroySoon()));
}

function serve(run, port, ready) {
  run.server = http.createServer();
  run.server.on("connection", (socket) => {
    run.sockets.add(socket);
    socket.on("close", () => run.sockets.delete(socket));
  });
  run.io.attach(run.server);
  run.server.listen(port, "127.0.0.1", () => {
    run.server.port = run.server.address().port;
    run.restarting = false;
    run.left = 20 + ((run.restarts * 37) % 100);
    if (ready) ready();
  });
}

function go(restarts, answer) {
  const recovery = opt.recovery && { connectionStateRecovery: { maxDisconnectionDuration: opt.recovery } };
  const run = { io: new Server({ ...recovery }), sockets: new Set(), restarts, number: 0 };
  seen = {};
  run.io.on("connection", (socket) => {
    run.begun = true;
    socket.on("count", (id, ack) => {
      seen[id] = (seen[id] || 0) + 1;
      setTimeout(ack, 1, id);
    });
  });
  serve(run, 0, () => {
    run.timer = setInterval(pump, 1, run);
    answer(`http://127.0.0.1:${run.server.port}`);
  });
}

listen(http.createServer((req, res) => {
  const { pathname, query } = url.parse(req.url, true);
  if (pathname === "/go") return go(Number(query.restarts), (at) => res.end(at));
  res.end(JSON.stringify(seen));
}), opt);
