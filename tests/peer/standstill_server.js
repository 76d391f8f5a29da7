// Servers that drop a client which is silent for 0.4 s: npm's Socket.IO, and a plain WebSocket on
// /plain. They keep the numbers that they hear, by key: GET /heard?KEY gives them as JSON.
"use strict";
const http = require("http");
const { Server } = require("socket.io");
const { WebSocketServer } = require("ws");
const { options, listen } = require("./peer");

const opt = options({});
const heard = {};
const note = (key, i) => (heard[key] = heard[key] || []).push(i);

const server = http.createServer((req, res) => {
  const key = req.url.split("?")[1];
  res.end(JSON.stringify(heard[key] || []));
});
const io = new Server(server, { pingInterval: 200, pingTimeout: 200 });
io.on("connection", (socket) => {
  socket.on("note", (key, i, ...rest) => {
    note(key, i);
    const ack = rest[rest.length - 1];
    if (typeof ack === "function") ack(i);
  });
});

const plain = new WebSocketServer({ noServer: true });
server.on("upgrade", (req, socket, head) => {
  if (!req.url.startsWith("/plain")) return;
  plain.handleUpgrade(req, socket, head, (ws) => {
    let alive = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - alive > 400) ws.terminate();
      else ws.ping();
    }, 100);
    ws.on("pong", () => (alive = Date.now()));
    ws.on("error", () => {}).on("close", () => clearInterval(watch));
    ws.on("message", (data) => note(...data.toString().split(" ")));
  });
});
listen(server, opt);
