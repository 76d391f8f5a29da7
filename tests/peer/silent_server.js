// A Socket.IO server that some way in front of it keeps from speaking WebSocket: each handshake is
// taken and never answered, and what comes by polling takes --delay ms. GET /silent gives the port of
// a listener that takes connections and says nothing, and /proxy that of an HTTP proxy which says
// nothing to CONNECT, or opens the tunnel and says nothing in it (to a host called "tunnel").
"use strict";
const http = require("http");
const net = require("net");
const { Server } = require("socket.io");
const { options, listen } = require("./peer");

const opt = options({ delay: 50 });
const quiet = (socket) => socket.on("error", () => {}).resume();
const silent = net.createServer(quiet).listen(0, "127.0.0.1");
const proxy = net.createServer((socket) => {
  quiet(socket).once("data", (head) => {
    if (/^CONNECT tunnel:/.test(head)) socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
  });
}).listen(0, "127.0.0.1");
const others = { "/silent": silent, "/proxy": proxy };

const server = http.createServer();
new Server(server, { allowUpgrades: false }).on("connection", (socket) => {
  socket.on("echo", (value, ack) => ack(value));
});
const [answer] = server.listeners("request");
server.removeAllListeners("request").removeAllListeners("upgrade");
server.on("request", (req, res) => {
  if (others[req.url]) res.end(String(others[req.url].address().port));
  else setTimeout(() => answer.call(server, req, res), opt.delay);
});
server.on("upgrade", (req, socket) => quiet(socket));
listen(server, opt);
