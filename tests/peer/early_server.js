// An npm server that greets in its middleware, before the namespace is joined, and counts how often
// it is asked. auth.refuse: it refuses behind the greeting. Namespaces / and /room.
//   asked() ack: how often this namespace was asked for, and what the greeting's ack brought
"use strict";
const { Server } = require("socket.io");
const { options, listen, httpServer } = require("./peer");

const opt = options({ parser: "", recovery: 0 });
const server = httpServer(opt, (req, res) => res.writeHead(404).end());
const io = new Server(server, {
  ...(opt.parser === "msgpack" && { parser: require("socket.io-msgpack-parser") }),
  ...(opt.recovery && { connectionStateRecovery: { maxDisconnectionDuration: opt.recovery, skipMiddlewares: false } }),
});
// As the adapter of recovery sends to who is in the room already, a greeting goes out by itself.
let acks = 1000;
function greet(socket, ...data) {
  const packet = { type: 2, data };
  if (typeof data[data.length - 1] === "function") socket.acks.set((packet.id = acks++), data.pop());
  socket.packet(packet);
}

for (const name of ["/", "/room"]) {
  const nsp = io.of(name);
  let asked = 0;
  const replies = [];
  nsp.use((socket, next) => {
    asked++;
    greet(socket, "early", 1, name);
    greet(socket, "early", 2, Buffer.from("bytes"));
    greet(socket, "early", 3, "ask", (reply) => replies.push(reply));
    const { refuse, slow } = socket.handshake.auth;
    const error = refuse && Object.assign(new Error("not you"), { data: { code: "NO" } });
    setTimeout(() => next(error || undefined), slow ? 100 : 0);
  });
  nsp.on("connection", (socket) => {
    socket.emit("welcome");
    socket.on("asked", (ack) => setTimeout(() => ack(asked, replies), 50));
    socket.on("drop", () => socket.conn.close());
  });
}
listen(server, opt);
