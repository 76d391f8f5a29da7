// A Socket.IO server behind a way that swallows: of each connection (the query's `case`) the first
// request of each step that the query's `swallow` names is taken and never answered. The steps: open
// (the GET that opens the session), post, get (of a session), ws (the handshake of a WebSocket), hello
// (it is answered, and then silent). `slow` delays the step open by so many ms instead.
// GET /count?case=x&step=open says how many there were.
"use strict";
const crypto = require("crypto");
const http = require("http");
const { Server } = require("socket.io");
const { options, listen } = require("./peer");

const seen = new Map();
const quiet = (socket) => socket.on("error", () => {}).resume();

// How many there were of this step; whether this one is to be swallowed.
function swallows(query, step) {
  const key = `${query.get("case")}/${step}`;
  seen.set(key, (seen.get(key) || 0) + 1);
  const times = (query.get("swallow") || "").split(",").filter((name) => name === step).length;
  return seen.get(key) <= times;
}

const server = http.createServer();
new Server(server).on("connection", (socket) => {
  socket.on("echo", (value, ack) => ack(value));
});
const [answer] = server.listeners("request");
const [upgrade] = server.listeners("upgrade");
server.removeAllListeners("request").removeAllListeners("upgrade");

server.on("request", (req, res) => {
  const url = new URL(req.url, "http://x");
  const query = url.searchParams;
  if (url.pathname === "/count") {
    res.end(String(seen.get(`${query.get("case")}/${query.get("step")}`) || 0));
    return;
  }
  const step = req.method === "POST" ? "post" : query.has("sid") ? "get" : "open";
  if (swallows(query, step)) {
    req.resume();
    return;
  }
  if (step === "open" && query.has("slow")) setTimeout(() => answer.call(server, req, res), Number(query.get("slow")));
  else answer.call(server, req, res);
});

server.on("upgrade", (req, socket, head) => {
  const query = new URL(req.url, "http://x").searchParams;
  if (swallows(query, "ws")) return void quiet(socket);
  if (!swallows(query, "hello")) return void upgrade.call(server, req, socket, head);
  const key = req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = crypto.createHash("sha1").update(key).digest("base64");
  quiet(socket).write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
});
listen(server, options({}));
