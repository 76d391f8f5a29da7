// Servers (npm ws and socket.io) that compress, each request choosing how: the query holds ws's
// options of permessage-deflate. Prints PORT n. A message is echoed; text orders:
//   /inflated       what the client's frames were, compressed or not: {compressed, plain}
//   /pieces N TEXT  the text in N fragments of one compressed message
//   /bomb N         N bytes of zeros in one message
// /socket.io/ is a socket.io server with perMessageDeflate and the event echo.
"use strict";
const http = require("http");
const url = require("url");
const { WebSocketServer } = require("ws");
const { Server } = require("socket.io");
const { options, listen } = require("./peer");

const opt = options({});
const server = http.createServer();
const io = new Server({ perMessageDeflate: { threshold: 10 }, transports: ["websocket"] });
const engine = new (require("engine.io").Server)({ perMessageDeflate: { threshold: 10 } });
io.bind(engine);
io.on("connection", (socket) => socket.on("echo", (value, ack) => ack(value)));

const servers = {};

function deflateOf(query) {
  const deflate = { threshold: Number(query.threshold || 0) };
  for (const name of ["serverNoContextTakeover", "clientNoContextTakeover"]) {
    if (query[name]) deflate[name] = true;
  }
  for (const name of ["serverMaxWindowBits", "clientMaxWindowBits"]) {
    if (query[name]) deflate[name] = Number(query[name]);
  }
  return deflate;
}

function sendPieces(ws, n, text) {
  const size = Math.ceil(text.length / n);
  for (let i = 0; i < n; i++) {
    ws.send(text.slice(i * size, (i + 1) * size), { fin: i === n - 1, compress: true });
  }
}

function serve(ws) {
  const frames = { compressed: 0, plain: 0 };
  const receiver = ws._receiver;
  const getInfo = receiver.getInfo;
  receiver.getInfo = function (...args) {
    const first = this._buffers[0];
    const data = first && first[0] & 0x0f && (first[0] & 0x0f) < 8;
    if (data && this._bufferedBytes >= 2) frames[first[0] & 0x40 ? "compressed" : "plain"]++;
    return getInfo.apply(this, args);
  };
  ws.on("error", () => {});
  ws.on("message", (data, binary) => {
    const text = binary ? "" : data.toString();
    const [order, n, rest] = text.split(" ");
    if (order === "/inflated") ws.send(JSON.stringify(frames));
    else if (order === "/pieces") sendPieces(ws, Number(n), rest);
    else if (order === "/bomb") ws.send(Buffer.alloc(Number(n)));
    else ws.send(data, { binary });
  });
}

server.on("upgrade", (req, socket, head) => {
  const { pathname, query, search } = url.parse(req.url, true);
  if (pathname.startsWith("/socket.io/")) return engine.handleUpgrade(req, socket, head);
  servers[search] = servers[search] || new WebSocketServer({
    noServer: true, maxPayload: 1 << 26,
    perMessageDeflate: query.off ? false : deflateOf(query),
  });
  servers[search].handleUpgrade(req, socket, head, serve);
});
server.on("request", (req, res) =>
  req.url.startsWith("/socket.io/") ? engine.handleRequest(req, res) : res.writeHead(404).end());
listen(server, opt);
