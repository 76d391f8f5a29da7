// What stands between a client and its server: proxies, client certificates, sockets in the
// file system. `node route_servers.js --folder=F`, where F holds server.pem, server.key
// and ca.pem; prints NAME=value lines, then READY. Every server speaks Socket.IO too, with an event
// `whoami` that is answered with how the client came.
"use strict";
const fs = require("fs");
const http = require("http");
const http2 = require("http2");
const https = require("https");
const net = require("net");
const path = require("path");
const { Server } = require("socket.io");
const peer = require("./peer.js");

const opt = peer.options({ folder: "." });
const file = (name) => fs.readFileSync(path.join(opt.folder, name));
const tls = { cert: file("server.pem"), key: file("server.key") };
const LOGIN = "me:s3cret";
const seen = { proxied: 0, forwarded: 0, socks: 0 };

function tell(req, res) {
  if (req.url === "/seen") return res.end(JSON.stringify(seen));
  if (req.url === "/moved") {
    res.writeHead(302, { Location: "/tell" });
    return res.end();
  }
  const cert = req.socket.getPeerCertificate ? req.socket.getPeerCertificate() : {};
  res.end(JSON.stringify({
    path: req.url, host: req.headers.host,
    version: req.httpVersion, client: cert.subject ? cert.subject.CN : null,
  }));
}

function withSocketIo(server) {
  const io = new Server(server);
  io.on("connection", (socket) => {
    socket.on("whoami", (ack) => {
      const from = socket.request.socket;
      const cert = from.getPeerCertificate ? from.getPeerCertificate() : {};
      const cipher = from.getCipher ? from.getCipher().name : "";
      ack({ remote: from.remoteAddress || "unix", client: cert.subject ? cert.subject.CN : "", cipher });
    });
  });
  return server;
}

function listening(server, where) {
  return new Promise((resolve) => server.listen(where, "127.0.0.1", () => resolve(server.address().port)));
}

// --- proxies -------------------------------------------------------------------------------

function join(a, b) {
  for (const [from, to] of [[a, b], [b, a]]) {
    from.pipe(to);
    from.on("error", () => to.destroy()).on("close", () => to.destroy());
  }
}

// Where the servers listen; some machines and versions of Node take localhost for ::1 alone.
const addressOf = (host) => (host === "localhost" ? "127.0.0.1" : host);

// An HTTP proxy that asks for credentials; it tunnels, and forwards plain requests.
function httpProxy() {
  const allowed = (req) =>
    req.headers["proxy-authorization"] === `Basic ${Buffer.from(LOGIN).toString("base64")}`;
  const proxy = http.createServer((req, res) => {
    if (!allowed(req)) return res.writeHead(407, { "Proxy-Authenticate": "Basic" }).end("who are you?");
    seen.proxied++;
    seen.forwarded++;
    const url = new URL(req.url);
    url.hostname = addressOf(url.hostname);
    const onward = http.request(url, { method: req.method }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    onward.on("error", () => res.writeHead(502).end("bad gateway"));
    req.pipe(onward);
  });
  proxy.on("connect", (req, socket, head) => {
    if (!allowed(req)) return socket.end("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n");
    const [host, port] = req.url.split(":");
    const onward = net.connect(port, addressOf(host), () => {
      seen.proxied++;
      socket.write("HTTP/1.1 200 go on\r\n\r\n");
      onward.write(head);
      join(socket, onward);
    });
    onward.on("error", () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  });
  return proxy;
}

// A proxy that forwards requests and gives no tunnel: the user's name says how not.
function forwarder() {
  const refusals = {
    refuse: (socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"),
    cut: (socket) => socket.destroy(),
    garble: (socket) => socket.write("no HTTP at all\r\n\r\n"),
    half: (socket) => socket.write("HTTP/1.1 20"),
    swallow: () => {},
    deafen: (socket) => socket.write("HTTP/1.1 200 go on\r\n\r\n"),
  };
  const proxy = http.createServer((req, res) => {
    const onward = http.request(new URL(req.url), { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    onward.on("error", () => res.writeHead(502).end("bad gateway"));
    req.pipe(onward);
  });
  proxy.on("connect", (req, socket) => {
    const login = Buffer.from(req.headers["proxy-authorization"].slice(6), "base64").toString();
    socket.on("error", () => {});
    refusals[login.split(":")[0]](socket);
  });
  return proxy;
}

// SOCKS5 (RFC 1928) with a name and a password (RFC 1929).
function socksProxy() {
  return net.createServer((socket) => {
    socket.on("error", () => {});
    const step = (handler) => socket.once("data", handler);
    step((hello) => {
      if (!hello.subarray(2).includes(2)) return socket.end(Buffer.from([5, 0xff]));
      socket.write(Buffer.from([5, 2]));
      step((login) => {
        const name = login.subarray(2, 2 + login[1]);
        const password = login.subarray(3 + login[1]);
        const good = `${name}:${password}` === LOGIN;
        socket.write(Buffer.from([1, good ? 0 : 1]));
        if (!good) return socket.end();
        step((ask) => {
          const host = ask[3] === 3 ? ask.subarray(5, 5 + ask[4]).toString() : ask.subarray(4, 8).join(".");
          const onward = net.connect(ask.readUInt16BE(ask.length - 2), addressOf(host), () => {
            seen.socks++;
            socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
            join(socket, onward);
          });
          onward.on("error", () => socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
        });
      });
    });
  });
}

// HTTP/2, and HTTP/1.1 if `older`. It ends each session after 20 requests, as servers do sooner or
// later, and answers late, so that requests overlap.
function http2Server(older) {
  const server = http2.createSecureServer({ ...tls, allowHTTP1: older }, (req, res) => {
    const session = req.stream && req.stream.session;
    if (session) session.count = (session.count || 0) + 1;
    if (session && session.count === 20) session.close();
    for (let i = 1; i <= Number(req.headers["x-told"]) * 4 && i <= 40; i++) res.setHeader(`X-${i}`, "y".repeat(1000));
    setTimeout(() => tell(req, res), Math.random() * 5);
  });
  server.on("sessionError", () => {});
  // Who offers no HTTP/2 is turned away; Node 18 would tell it so in HTTP/1.1, by a 403.
  server.on("unknownProtocol", (socket) => socket.destroy());
  return server;
}

async function main() {
  const socketPath = path.join(opt.folder, "app.sock");
  const local = withSocketIo(http.createServer(tell));
  await new Promise((resolve) => local.listen(socketPath, resolve));
  const demanding = { ...tls, requestCert: true, rejectUnauthorized: true, ca: file("ca.pem") };
  const ports = {
    PLAIN: await listening(withSocketIo(http.createServer(tell)), 0),
    MUTUAL: await listening(withSocketIo(https.createServer(demanding, tell)), 0),
    SECURE: await listening(withSocketIo(https.createServer(tls, tell)), 0),
    OLDER: await listening(withSocketIo(https.createServer({ ...tls, maxVersion: "TLSv1.2" }, tell)), 0),
    H2: await listening(http2Server(true), 0),
    H2ONLY: await listening(http2Server(false), 0),
    PROXY: await listening(httpProxy(), 0),
    FORWARDER: await listening(forwarder(), 0),
    SOCKS: await listening(socksProxy(), 0),
  };
  for (const [name, port] of Object.entries(ports)) console.log(`${name}=${port}`);
  console.log(`SOCKET=${socketPath}\nREADY`);
  peer.stopWithParent(opt.limit);
}

main();
