// The server of the benches: just as much Engine.IO and Socket.IO as a client needs to be
// measured, its frames encoded beforehand and written in chunks as fast as the client takes
// them, so that the server is not what is measured. Prints `PORT n`; stops as peer.js says.
//
//   on CONNECT     the event hello("first")
//   flood(n, shape)  n events tick({...}) of 285 bytes each, then flooded(n)
//   ping(x) ack    the ack pong
//   sink(n)        what follows on the connection is counted and not looked at; sunk(n) after n
//   restart        every connection is cut, and for 50 ms nobody listens
// With --cert and --key over TLS.
"use strict";
const { WebSocketServer } = require("../peer/node_modules/ws");
const { options, listen, httpServer } = require("../peer/peer");

const opt = options({ limit: 900, cert: "", key: "" });

// Three events of one length: a text of some lines, a chat message with all its particulars,
// and one of many small parts, a third of them no strings.
const SHAPES = {
  text: {
    id: 42,
    text:
      "It is easier to ask forgiveness than it is to get permission. Ships in port are safe, but " +
      "that is not what ships are built for. Sail out to sea and do new things. One accurate " +
      "measurement is worth a thousand opinions on the matter at hand, said the admiral.",
  },
  message: {
    id: "8b0c6d1e-52f7-4c55",
    sessionId: "9f0e3f2b-6a5d-4c11",
    userId: "grace",
    content: "Ships in port are safe, but that is not what ships are built for.",
    type: "user",
    status: "delivered",
    createdAt: "2024-03-01T09:30Z",
    metadata: { confidence: 0.875, processingTime: 42 },
  },
  parts: {
    id: 1048576,
    conversation: "8b0c6d1e-52f7-4c55-9f0e-3f2b6a5d4c11",
    user: { id: 42, name: "Grace Hopper", online: true },
    text: "Ships in port are safe, but that is not what ships are built for. Sail!",
    at: 1700000000123,
    tags: ["new", "mention"],
    edited: null,
    score: 0.875,
  },
};

// A server's frame: final, text, unmasked; lengths below 64 KiB.
function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? [0x81, body.length] : [0x81, 126, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from(head), body]);
}

// Where a flood takes its frames from: many of them, one after the other.
function stock(shape) {
  const text = `42${JSON.stringify(["tick", SHAPES[shape]])}`;
  const tick = frame(text);
  const count = Math.floor(65536 / tick.length);
  console.error(`${shape}: events of ${text.length} bytes`);
  return { size: tick.length, count, bytes: Buffer.concat(Array(count).fill(tick)) };
}
const stocks = Object.fromEntries(Object.keys(SHAPES).map((shape) => [shape, stock(shape)]));

function flood(socket, n, { size, count, bytes }) {
  let left = n;
  const pump = () => {
    while (left > 0) {
      const frames = Math.min(left, count);
      left -= frames;
      if (!socket.write(bytes.subarray(0, frames * size))) return socket.once("drain", pump);
    }
    socket.write(frame(`42["flooded",${n}]`));
  };
  pump();
}

// A client's frames, masked: where each ends is all that is looked at.
function sink(socket, n) {
  let left = n;
  let rest = Buffer.alloc(0);
  socket.removeAllListeners("data");
  socket.on("data", (data) => {
    if (rest.length) data = Buffer.concat([rest, data]);
    let at = 0;
    while (data.length - at >= 14) {
      const short = data[at + 1] & 127;
      const head = short < 126 ? 6 : short === 126 ? 8 : 14;
      const size = short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : data.readUInt32BE(at + 6);
      if (data.length - at < head + size) break;
      at += head + size;
      if ((data[at - head - size] & 15) === 1 && --left === 0) socket.write(frame(`42["sunk",${n}]`));
    }
    rest = data.subarray(at);
  });
}

function restart() {
  const { port } = server.address();
  server.close();
  for (const ws of wss.clients) ws._socket.destroy();
  setTimeout(() => server.listen(port, "127.0.0.1"), 50);
}

function answer(ws, text) {
  if (text.startsWith("40")) {
    ws.send('40{"sid":"bench"}');
    ws.send('42["hello","first"]');
    return;
  }
  const match = /^42(\d*)(\[.*)$/.exec(text);
  if (!match) return;
  const [name, n, shape] = JSON.parse(match[2]);
  if (name === "ping") ws.send(`43${match[1]}["pong"]`);
  if (name === "flood") flood(ws._socket, n, stocks[shape]);
  if (name === "sink") sink(ws._socket, n);
  if (name === "restart") restart();
}

const server = httpServer(opt);
const wss = new WebSocketServer({ server, perMessageDeflate: false });
wss.on("connection", (ws) => {
  ws._socket.setNoDelay(true);
  const open = { sid: "engine", upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 };
  ws.send("0" + JSON.stringify(open));
  const beat = setInterval(() => ws.send("2"), 25000);
  ws.on("message", (data) => answer(ws, data.toString()));
  ws.on("close", () => clearInterval(beat));
  ws.on("error", () => {});
});
listen(server, opt);
