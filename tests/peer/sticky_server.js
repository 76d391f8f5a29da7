// Four socket.io servers behind a balancer that knows a client by its cookie alone: a request
// without one goes to the next server in turn, which does not know the session. Prints PORT n.
"use strict";
const http = require("http");
const net = require("net");
const { Server } = require("socket.io");
const { options, listen } = require("./peer");

const opt = options({});
const backends = [];
let turn = 0;

for (let i = 0; i < 4; i++) {
  const server = http.createServer();
  const io = new Server(server, { path: "/live", addTrailingSlash: false });
  io.on("connection", (socket) => {
    socket.on("whoami", (ack) => ack({
      server: i, transport: socket.conn.transport.name, query: socket.handshake.query,
      url: socket.handshake.url, headers: socket.handshake.headers,
    }));
    socket.on("drop", () => socket.conn.close(true));
  });
  for (const name of ["/größe", "/聊天", "/{a}|b", "/with spaces"]) io.of(name).on("connection", (socket) => socket.on("where", (ack) => ack(name)));
  server.listen(0, "127.0.0.1");
  backends.push(server);
}

function choose(req) {
  const known = /(?:^|; )route=(\d)/.exec(req.headers.cookie || "");
  return known ? { i: Number(known[1]), known: true } : { i: turn++ % backends.length };
}

const front = http.createServer((req, res) => {
  const { i, known } = choose(req);
  const { port } = backends[i].address();
  const headers = { ...req.headers, "x-cookie-lines": req.rawHeaders.filter((name) => /^cookie$/i.test(name)).length };
  const onward = http.request({ host: "127.0.0.1", port, method: req.method, path: req.url, headers }, (answer) => {
    const cookie = known ? {} : { "Set-Cookie": `route=${i}; Path=/; HttpOnly` };
    res.writeHead(answer.statusCode, { ...answer.headers, ...cookie });
    answer.pipe(res);
  });
  onward.on("error", () => res.destroy());
  res.on("close", () => onward.destroy());
  req.pipe(onward);
});
front.on("upgrade", (req, socket, head) => {
  const onward = net.connect(backends[choose(req).i].address().port, "127.0.0.1", () => {
    const headers = Object.entries(req.headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    onward.write(`GET ${req.url} HTTP/1.1\r\n${headers}\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  onward.on("error", () => socket.destroy());
  socket.on("error", () => onward.destroy());
});
listen(front, opt);
