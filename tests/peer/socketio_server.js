// The real Socket.IO server, from npm, with events for every promise that the tests check.
// python_server.py answers the same ones. Options: peer.js and those below.
//
//   echo(...args)          the event echo with the same arguments, and the ack if asked
//   time() ack             milliseconds
//   whoami() ack           {id, engine, auth, namespace, transport, recovered, query, headers}
//   ask(...args)           sends question(...args) with an ack and reports the reply by
//                          asked({reply = [...]}) or asked({error})
//   count(key, i) ack      counted(i); acknowledged from the second time on
//   silent() ack           never answered;  late(ms) ack: answered after ms
//   join, leave(room) ack; say(room, text): said(text, from) to the room
//   forget() ack           no session is recovered any more
//   volatile(...args)      the same, sent back as a volatile event
//   broadcast(text)        broadcast(text, from) to all others
//   flood(n, text)         n events tick(i, text), then flooded(n)
//   kick()                 "io server disconnect";  kick_all(): and the connection closed
//   drop()                 the transport destroyed;  close(code, reason): a WebSocket close
//   raw(text)              the text as one WebSocket message, whatever it is
//   freeze(ms)             the whole server stands still for so long
// auth.token "bad" is refused; "slow" is kept waiting for 300 ms. The namespace /admin wants
// the token "admin".
"use strict";
const { Server } = require("socket.io");
const { options, listen, httpServer } = require("./peer");

const opt = options({
  pingInterval: 25000,
  pingTimeout: 20000,
  maxHttpBufferSize: 1e6,
  connectTimeout: 45000,
  path: "/socket.io/",
  transports: "polling,websocket",
  parser: "", // msgpack: that of socket.io-msgpack-parser
  recovery: 0, // connectionStateRecovery, in milliseconds
  cert: "",
  key: "",
});

const server = httpServer(opt, (req, res) => res.writeHead(404).end("nothing here\n"));
const io = new Server(server, {
  pingInterval: opt.pingInterval,
  pingTimeout: opt.pingTimeout,
  maxHttpBufferSize: opt.maxHttpBufferSize,
  connectTimeout: opt.connectTimeout,
  path: opt.path,
  transports: opt.transports.split(","),
  ...(opt.parser === "msgpack" && { parser: require("socket.io-msgpack-parser") }),
  ...(opt.recovery && { connectionStateRecovery: { maxDisconnectionDuration: opt.recovery } }),
});

const seen = {};
const refuse = (message, data) => Object.assign(new Error(message), { data });

function authenticate(socket, next) {
  const { token } = socket.handshake.auth;
  if (token === "bad") return next(refuse("bad token", { code: "UNAUTHORIZED", retry: false }));
  if (token === "slow") return setTimeout(next, 300);
  next();
}

function adminsOnly(socket, next) {
  if (socket.handshake.auth.token === "admin") return next();
  next(refuse("admins only", { code: "FORBIDDEN" }));
}

const ackOf = (args) => (typeof args[args.length - 1] === "function" ? args.pop() : () => {});
const webSocket = (socket) => socket.conn.transport.socket;

function answer(socket) {
  socket.on("echo", (...args) => {
    const ack = ackOf(args);
    socket.emit("echo", ...args);
    ack(...args);
  });
  socket.on("volatile", (...args) => socket.volatile.emit("volatile", ...args));
  socket.on("time", (...args) => ackOf(args)(Date.now()));
  socket.on("whoami", (...args) =>
    ackOf(args)({
      id: socket.id,
      engine: socket.conn.id,
      auth: socket.handshake.auth,
      namespace: socket.nsp.name,
      transport: socket.conn.transport.name,
      recovered: socket.recovered,
      query: socket.handshake.query,
      headers: socket.handshake.headers,
    })
  );
  socket.on("ask", (...args) => {
    const ack = ackOf(args);
    socket.timeout(5000).emit("question", ...args, (err, ...reply) => {
      const asked = err ? { error: "timeout" } : { reply };
      socket.emit("asked", asked);
      ack(asked);
    });
  });
  socket.on("count", (key, i, ack) => {
    const times = (seen[key + i] = (seen[key + i] || 0) + 1);
    socket.emit("counted", i);
    if (times > 1) ack(i);
  });
  socket.on("silent", () => {});
  socket.on("late", (ms, ...args) => setTimeout(ackOf(args), ms, "late"));
}

function gather(socket, nsp) {
  socket.on("join", (room, ...args) => {
    socket.join(room);
    ackOf(args)(room);
  });
  socket.on("leave", (room, ...args) => {
    socket.leave(room);
    ackOf(args)(room);
  });
  socket.on("say", (room, text) => nsp.to(room).emit("said", text, socket.id));
  // The sessions that could be recovered are forgotten, as if their time were over.
  socket.on("forget", (ack) => {
    nsp.adapter.restoreSession = async () => null;
    ack();
  });
  socket.on("broadcast", (text) => socket.broadcast.emit("broadcast", text, socket.id));
  socket.on("flood", (n, text) => {
    for (let i = 1; i <= n; i++) socket.emit("tick", i, text === undefined ? null : text);
    socket.emit("flooded", n);
  });
}

function breakOff(socket) {
  socket.on("kick", () => socket.disconnect());
  socket.on("kick_all", () => socket.disconnect(true));
  socket.on("drop", () => {
    const ws = webSocket(socket);
    if (ws) ws.terminate();
    else socket.conn.close(true);
  });
  socket.on("close", (code, reason) => webSocket(socket).close(code, reason));
  socket.on("raw", (text) => webSocket(socket).send(text));
  socket.on("freeze", (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms));
}

for (const [name, middleware] of [["/", authenticate], ["/admin", adminsOnly]]) {
  const nsp = io.of(name);
  nsp.use(middleware);
  nsp.on("connection", (socket) => {
    answer(socket);
    gather(socket, nsp);
    breakOff(socket);
    socket.emit("welcome", { id: socket.id, namespace: name });
  });
}

listen(server, opt);
