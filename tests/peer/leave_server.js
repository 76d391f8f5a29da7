// A socket.io server that counts what each client emitted before it left, and answers "seen"
// with that once it has left. "/slow" lets in after a while; "slow" tells how many were let in, and are
// there now.
// Prints PORT n.
"use strict";
const http = require("http");
const { Server } = require("socket.io");
const { options, listen } = require("./peer");

const opt = options({ msgpack: false });
const server = http.createServer();
const io = new Server(server, opt.msgpack ? { parser: require("socket.io-msgpack-parser") } : {});
const seen = new Map();
const waiting = new Map();
let ever = 0; // let in

function tell(name) {
  const asked = waiting.get(name);
  if (!asked || !seen.get(name)?.reason) return;
  waiting.delete(name);
  asked(seen.get(name));
}

for (const namespace of ["/", "/slow"]) {
  io.of(namespace).on("connection", (socket) => {
    const name = socket.handshake.query.name;
    const mine = { count: 0, ordered: true };
    socket.on("number", (n) => {
      mine.ordered &&= n === ++mine.count;
    });
    socket.on("seen", (who, ack) => {
      waiting.set(who, ack);
      tell(who);
    });
    if (namespace === "/slow") ever++;
    socket.on("slow", (ack) => ack(ever, io.of("/slow").sockets.size));
    socket.on("disconnect", (reason) => {
      seen.set(name, { ...mine, reason });
      tell(name);
    });
  });
}
io.of("/slow").use((socket, next) => setTimeout(next, 50));
listen(server, opt);
