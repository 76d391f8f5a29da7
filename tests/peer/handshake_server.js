// Answers a WebSocket handshake on raw TCP in the ways that a client must see through, or
// bear; the path of the request says which (see `answers`). /cut?at=N and /reset?at=N let a
// whole conversation end after N bytes, /stall?at=N goes silent there; /plan tells where its
// parts end. What the client says after an answer that it must refuse is told by /said.
"use strict";
const net = require("net");
const { options, listen } = require("./peer");
const { TEXT, CLOSE, PING, frame, closePayload, accept, answer } = require("./conformance/frames");
const { Connection } = require("./conformance/connection");

let said = 0; // bytes that came after the request

const status = (line, body, more = "") => () =>
  `HTTP/1.1 ${line}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const switching = (...headers) => `HTTP/1.1 101 Switching Protocols\r\n${headers.map((h) => `${h}\r\n`).join("")}\r\n`;
const up = "Upgrade: websocket", con = "Connection: Upgrade";
const acc = (key) => `Sec-WebSocket-Accept: ${accept(key)}`;

// Each gives the bytes of the answer to a key; then the server echoes, if it was let.
const answers = {
  "/good": (key) => answer(key),
  "/lower": (key) => answer(key).toLowerCase().replace(/accept: .*/, () => `accept: ${accept(key)}`).replace("http", "HTTP"),
  "/spaces": (key) => switching("Upgrade:\t WebSocket \t", "Connection:keep-alive ,\tupgrade", `${acc(key)}  `),
  "/no-reason": (key) => answer(key).replace(" Switching Protocols", ""),
  "/interim": (key) => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${answer(key)}`,
  "/subprotocol": (key, q) => answer(key, `Sec-WebSocket-Protocol: ${q.get("name")}\r\n`),
  // to be refused
  "/wrong-accept": (key) => switching(up, con, acc(`${key}x`)),
  "/case-accept": (key) => switching(up, con, `Sec-WebSocket-Accept: ${accept(key).toLowerCase()}`),
  "/echoed-key": (key) => switching(up, con, `Sec-WebSocket-Accept: ${key}`),
  "/no-accept": () => switching(up, con),
  "/accept-twice": (key) => switching(up, con, acc(key), acc(key)),
  "/no-upgrade": (key) => switching(con, acc(key)),
  "/wrong-upgrade": (key) => switching("Upgrade: h2c", con, acc(key)),
  "/no-connection": (key) => switching(up, acc(key)),
  "/wrong-connection": (key) => switching(up, "Connection: close", acc(key)),
  "/deflate": (key) => switching(up, con, acc(key), "Sec-WebSocket-Extensions: permessage-deflate"),
  "/http10": (key) => answer(key).replace("HTTP/1.1", "HTTP/1.0"),
  "/http2": (key) => answer(key).replace("HTTP/1.1", "HTTP/2"),
  "/no-status": (key) => answer(key).replace("101", "1O1"),
  "/no-colon": (key) => switching(up, con, acc(key), "no header at all"),
  "/nul": (key) => switching(up, con, acc(key), "X: a\0b"),
  "/folded": (key) => switching(up, con, acc(key), "X: a", " b"),
  "/garbage": () => "\x15\x03\x01\x00\x02\x02\x28 no HTTP\r\n\r\n",
  "/ssh": () => "SSH-2.0-OpenSSH_9.2p1\r\n",
  "/200": status("200 OK", "<html>welcome</html>"),
  "/301": status("301 Moved Permanently", "", "Location: wss://elsewhere.example/\r\n"),
  "/307": status("307 Temporary Redirect", "", "Location: unix:/tmp/no.sock\r\n"),
  "/401": status("401 Unauthorized", "token has expired", "WWW-Authenticate: Bearer\r\n"),
  "/404": status("404 Not Found", "no such room"),
  "/429": status("429 Too Many Requests", "", "Retry-After: 7\r\n"),
  "/500": status("500 Internal Server Error", `\x1b[31m\xff\0${"x".repeat(100000)}`),
};

// --- the whole conversation ---
const frames = [
  ["one", frame(TEXT, "one")],
  ["two", Buffer.concat([frame(TEXT, "t", { fin: false }), frame(PING, "p"), frame(0, "wo")])],
  ["close", frame(CLOSE, closePayload(1000, "bye"))],
];
const conversation = (key) => Buffer.concat([Buffer.from(answer(key)), ...frames.map(([, bytes]) => bytes)]);
function plan() {
  let at = answer("x".repeat(24)).length;
  const ends = { head: at };
  for (const [name, bytes] of frames) ends[name] = at += bytes.length;
  return JSON.stringify(ends);
}

const ways = {
  "/cut": (socket, key, at) => socket.end(conversation(key).subarray(0, at)),
  "/stall": (socket, key, at) => socket.write(conversation(key).subarray(0, at)),
  "/reset": (socket, key, at) => socket.write(conversation(key).subarray(0, at), () => socket.resetAndDestroy()),
  "/never": () => {},
  "/flood": (socket) => {
    const headers = "X-Filler: and so on\r\n".repeat(1000);
    const pour = () => !socket.destroyed && socket.write(headers, () => setImmediate(pour));
    socket.write("HTTP/1.1 101 Switching Protocols\r\n", pour);
  },
  "/long-line": (socket) => {
    const pour = () => !socket.destroyed && socket.write("x".repeat(65536), () => setImmediate(pour));
    socket.write("HTTP/1.1 101 Switching Protocols\r\nX-Long: ", pour);
  },
  "/slow": (socket, key) => echo(socket, conversation(key), 1),
  "/extra": (socket, key) => echo(socket, conversation(key)),
  "/plan": (socket, key) => echo(socket, Buffer.concat([Buffer.from(answer(key)), frame(TEXT, plan())])),
  "/said": (socket, key) => echo(socket, Buffer.concat([Buffer.from(answer(key)), frame(TEXT, String(said))])),
};

// Writes the answer and what comes with it, and echoes from then on.
async function echo(socket, first, chop) {
  const c = new Connection(socket);
  socket.connection = c;
  await c.bytes(first, chop);
  for (;;) {
    const event = await c.next(60000);
    if (event.type === "text") await c.text(event.data);
    else if (event.type === "close") return await c.frame(CLOSE, event.data), socket.end();
    else if (event.type !== "pong") return socket.destroy();
  }
}

function respond(socket, head) {
  const [, target] = head.split(" "), [, key] = /^Sec-WebSocket-Key: *(\S+)/im.exec(head);
  const url = new URL(target, "http://localhost"), path = url.pathname;
  if (ways[path]) return ways[path](socket, key, Number(url.searchParams.get("at")));
  if (!answers[path]) return socket.end();
  const bytes = Buffer.from(answers[path](key, url.searchParams), "latin1");
  const lets = ["/good", "/lower", "/spaces", "/no-reason", "/interim", "/subprotocol"].includes(path);
  if (lets) return echo(socket, bytes);
  socket.write(bytes);
}

const opt = options({});
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let head = "";
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.connection || socket.destroy());
  socket.on("data", (chunk) => {
    if (socket.connection) return socket.connection.take(chunk);
    if (head.includes("\r\n\r\n")) return void (said += chunk.length);
    head += chunk.toString("latin1");
    if (head.includes("\r\n\r\n")) respond(socket, head);
  });
});
listen(server, opt);
