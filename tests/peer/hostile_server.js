// An Engine.IO server over polling that goes wrong as it is asked to: the query's `case` says how.
// Prints PORT n. What it saw is told by /seen: {gets, posts} at once at most, {opens, sockets}.
//
//   open=WHAT      how the opening request is answered     poll=WHAT   how the first one after it
//   post=WHAT      how each POST                           ws=WHAT     how a WebSocket
// Otherwise it lets the client into "/", answers calls, sends tick(i) every 2 ms, and what say(packet)
// and burst(n), n packets of 30,000 bytes in one answer, ask for.
"use strict";
const http = require("http");
const url = require("url");
const zlib = require("zlib");
const { WebSocketServer } = require("ws");
const { options, listen } = require("./peer");

const opt = options({});
const seen = { gets: 0, posts: 0, opens: 0, sockets: 0, unix: 0 };
const sessions = {};
// A socket in the file system that answers like a good server, to which a redirect may not lead.
const inFiles = http.createServer((req, res) => {
  seen.unix++;
  res.end('0{"sid":"u","upgrades":[],"pingInterval":25000,"pingTimeout":20000}');
});
if (process.env.UNIX_PATH) inFiles.listen(process.env.UNIX_PATH).unref();
const upgrades = new WebSocketServer({ noServer: true });

const answers = {
  400: (res) => res.writeHead(400).end('{"code":1,"message":"Session ID unknown"}'),
  413: (res) => res.writeHead(413).end(),
  502: (res) => res.writeHead(502).end("<html>bad gateway</html>"),
  204: (res) => res.writeHead(204).end(),
  302: (res) => res.writeHead(302, { Location: "/elsewhere" }).end(),
  307: (res) => res.writeHead(307, { Location: `unix:${process.env.UNIX_PATH}:/` }).end(),
  members: (res) => res.writeHead(200, { "Content-Encoding": "gzip" }).end(Buffer.concat([zlib.gzipSync('42["packed"'), zlib.gzipSync(",7]"), Buffer.alloc(9)])),
  lengths: (res) => res.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n6"),
  chunks: (res) => res.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n6\r\n0\r\n\r\n"),
  html: (res) => res.end("<html>log in first</html>"),
  empty: (res) => res.end(),
  json: (res) => res.end("0{bad"),
  garbage: (res) => res.end("x"),
  base64: (res) => res.end("b!!!!"),
  again: (res) => res.end('0{"sid":"x","upgrades":[],"pingInterval":1,"pingTimeout":1}'),
  close: (res) => res.end('1\x1e42["tick",1]'),
  large: (res) => res.end("4" + "x".repeat(100000)),
  pong: (res) => res.end("3"),
  reset: (res) => res.socket.destroy(),
  hang: () => {},
  gzip: (res) => coded(res, "gzip", zlib.gzipSync('40{"sid":"x"}\x1e42["tick",1000]\x1e1')),
  gzip_cut: (res) => coded(res, "gzip", zlib.gzipSync('42["tick",1000]\x1e1').subarray(0, -9)),
  gzip_short: (res) => coded(res, "gzip", zlib.gzipSync('42["tick",1000]\x1e1').subarray(0, -1)),
  gzip_none: (res) => coded(res, "gzip", Buffer.from('42["tick",1000]')),
  deflate_cut: (res) => coded(res, "deflate", zlib.deflateSync('42["tick",1000]\x1e1').subarray(0, -3)),
};
const coded = (res, coding, body) => res.writeHead(200, { "Content-Encoding": coding, "Content-Length": body.length }).end(body);

function open(res, query) {
  const sid = `s${++seen.opens}`;
  const upgradesTo = query.ws ? ["websocket"] : [];
  sessions[sid] = { waiting: null, queue: [], busy: { gets: 0, posts: 0 }, polled: false, query };
  res.end(`0${JSON.stringify({ sid, upgrades: upgradesTo, pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000 })}`);
}

function flush(session) {
  if (!session.waiting || !session.queue.length) return;
  session.waiting.end(session.queue.join("\x1e"));
  session.queue = [];
  session.waiting = null;
}

function send(session, packet) {
  if (session.ws) return session.ws.send(packet);
  session.queue.push(packet);
  flush(session);
}

function take(session, packet) {
  if (packet.startsWith("40")) {
    send(session, '40{"sid":"in"}');
    let i = 0;
    session.ticker = setInterval(() => (++i > 200 ? clearInterval(session.ticker) : send(session, `42["tick",${i}]`)), 2);
  } else if (packet.startsWith("42")) {
    const [, id, json] = /^42(\d*)(.*)$/s.exec(packet);
    const [name, said] = JSON.parse(json);
    if (name === "say") send(session, said);
    if (name === "burst") {
      session.queue.push(...Array(said).fill(`42["burst","${"x".repeat(30000)}"]`));
      flush(session);
    }
    if (id) send(session, `43${id}${JSON.stringify(JSON.parse(json).slice(1))}`);
  } else if (packet === "1") {
    clearInterval(session.ticker);
  }
}

function counted(session, kind, res) {
  session.busy[kind]++;
  seen[kind] = Math.max(seen[kind], session.busy[kind]);
  let over = false;
  const end = () => {
    if (!over) session.busy[kind]--;
    over = true;
  };
  res.on("finish", end).on("close", end); // the client may ask again before "close" is told
}

function poll(session, res) {
  counted(session, "gets", res);
  if (session.query.poll && !session.polled) {
    session.polled = true;
    return answers[session.query.poll](res);
  }
  session.waiting = res;
  flush(session);
}

function post(session, req, res) {
  counted(session, "posts", res);
  let body = "";
  req.on("data", (data) => (body += data));
  req.on("end", () => {
    if (session.query.post && !body.startsWith("40")) return answers[session.query.post](res);
    for (const packet of body.split("\x1e")) take(session, packet);
    res.end("ok");
  });
}

const server = http.createServer((req, res) => {
  const { pathname, query } = url.parse(req.url, true);
  if (pathname === "/seen") return res.end(JSON.stringify(seen));
  if (!query.sid) return query.open ? answers[query.open](res) : open(res, query);
  const session = sessions[query.sid];
  if (!session) return answers[400](res);
  if (req.method === "POST") post(session, req, res);
  else poll(session, res);
});

// The client has asked "2probe": what then?
const probes = {
  silent: () => {},
  wrong: (ws) => ws.send("4nonsense"),
  close: (ws) => ws.close(),
  good(ws, session) {
    ws.send("3probe");
    send(session, "6");
    ws.on("message", (data) => {
      if (data.toString() === "5") {
        session.ws = ws;
        for (const packet of session.queue.splice(0)) ws.send(packet);
      } else take(session, data.toString());
    });
  },
};

server.on("upgrade", (req, socket, head) => {
  const { query } = url.parse(req.url, true);
  seen.sockets++;
  if (query.ws === "refuse" || !query.ws) return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  upgrades.handleUpgrade(req, socket, head, (ws) => {
    ws.on("error", () => {});
    ws.once("message", () => probes[query.ws](ws, sessions[query.sid]));
  });
});
listen(server, opt);
