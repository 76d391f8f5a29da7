// A plain WebSocket server (npm ws): echoes each message as it came, text or binary. A text
// that starts with "/" is an order instead:
//   /close CODE REASON   close so       /drop          destroy the connection
//   /ping TEXT           ping; the pong's text comes back as "pong TEXT"
//   /flood N TEXT        N messages     /headers       the request's headers as JSON
//   /pings               the texts of the pings that came, as JSON
//   /frames              the lengths of the frames of data that came, as JSON
//   /fragments A B...    one message in as many fragments, a ping between them
//   /closed NAME         once the connection to ?NAME has closed: its code and reason as JSON
//   /sizes NAME          and the lengths of the messages that it sent
//   /deaf                nothing is read any more
//   /mute                pings are not answered any more; /tick MS: a message as often
// --subprotocol=NAME is chosen when offered; --deflate offers permessage-deflate.
"use strict";
const { WebSocketServer } = require("ws");
const { options, listen, httpServer } = require("./peer");

const opt = options({ subprotocol: "", deflate: false, maxPayload: 1 << 26, cert: "", key: "" });
const server = httpServer(opt, (req, res) => res.writeHead(404).end("nothing here\n"));
const wss = new WebSocketServer({
  server,
  perMessageDeflate: opt.deflate,
  maxPayload: opt.maxPayload,
  handleProtocols: (offered) => offered.has(opt.subprotocol) && opt.subprotocol,
});

// What became of the connections, by name.
const ends = new Map();
function ending(name) {
  if (!ends.has(name)) {
    const end = { sizes: [] };
    end.closed = new Promise((resolve) => (end.resolve = resolve));
    ends.set(name, end);
  }
  return ends.get(name);
}

const orders = {
  close: (ws, code, ...reason) => ws.close(code ? Number(code) : undefined, reason.join(" ")),
  drop: (ws) => ws.terminate(),
  ping: (ws, ...text) => ws.ping(text.join(" ")),
  flood: (ws, n, ...text) => {
    ws._socket.cork(); // in one segment, if they are small
    for (let i = 0; i < Number(n); i++) ws.send(text.join(" "));
    ws._socket.uncork();
  },
  headers: (ws) => ws.send(JSON.stringify(ws.headers)),
  frames: (ws) => ws.send(JSON.stringify(ws.frames)),
  pings: (ws) => ws.send(JSON.stringify(ws.pings)),
  fragments: (ws, ...parts) =>
    parts.forEach((part, i) => {
      ws.send(part, { fin: i === parts.length - 1 });
      ws.ping(`between ${i}`);
    }),
  closed: (ws, name) => ending(name).closed.then((end) => ws.send(JSON.stringify(end))),
  sizes: (ws, name) => ending(name).closed.then(() => ws.send(JSON.stringify(ending(name).sizes))),
  deaf: (ws) => ws.pause(),
  mute: (ws) => (ws._autoPong = false),
  tick: (ws, ms) => {
    const ticking = setInterval(() => ws.send("tick"), Number(ms));
    ws.on("close", () => clearInterval(ticking));
  },
};

wss.on("connection", (ws, req) => {
  const end = ending(req.url.split("?")[1] || "");
  ws.headers = req.headers;
  ws.pings = [];
  ws.frames = [];
  const receiver = ws._receiver;
  const getData = receiver.getData;
  receiver.getData = function (...args) {
    if (this._bufferedBytes >= this._payloadLength && this._opcode < 8) ws.frames.push(this._payloadLength);
    return getData.apply(this, args);
  };
  ws.on("ping", (data) => ws.pings.push(data.toString()));
  ws.on("close", (code, reason) => end.resolve({ code, reason: reason.toString() }));
  ws.on("error", () => {});
  ws.on("pong", (data) => ws.send(`pong ${data}`));
  ws.on("message", (data, isBinary) => {
    end.sizes.push(data.length);
    const [name, ...args] = isBinary ? [""] : data.toString().split(" ");
    const order = name.startsWith("/") && orders[name.slice(1)];
    if (order) order(ws, ...args);
    else ws.send(data, { binary: isBinary });
  });
});

listen(server, opt);
