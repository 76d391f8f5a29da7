// An HTTP server for downloads, which lies in every way: `node http_download_server.js`; prints PLAIN=port, READY.
// GET /KIND/SIZE?...: a body of SIZE bytes (byte n of version v is (n * 7 + v * 13 + (n >> 8)) & 255), which is cut
// after `cut` bytes of each answer. /asked gives, as JSON, the requests since the last time: [range, if-range].
"use strict";
const http = require("http");

let asked = [];
const seen = {};

function body(size, version) {
  const out = Buffer.alloc(size);
  for (let n = 0; n < size; n++) out[n] = (n * 7 + version * 13 + (n >> 8)) & 255;
  return out;
}

const server = http.createServer((req, res) => {
  const url = new URL(req.url, "http://x");
  const [, kind, sizeText] = url.pathname.split("/");
  if (kind === "asked") {
    res.end(JSON.stringify(asked));
    asked = [];
    return;
  }
  asked.push([req.headers.range || "-", req.headers["if-range"] || "-"]);
  const times = (seen[req.url] = (seen[req.url] || 0) + 1);
  const size = Number(sizeText);
  const cut = Number(url.searchParams.get("cut") || 0);
  const slow = Number(url.searchParams.get("slow") || 0);
  let version = kind === "changes" && times > 1 ? 2 : 1;
  let tag = `"v${version}"`;
  const headers = { "Content-Type": "application/octet-stream" };
  if (kind === "weak") tag = 'W/"v1"';
  if (kind === "modified") headers["Last-Modified"] = "Sun, 06 Nov 1994 08:49:37 GMT";
  else if (kind !== "bare") headers.ETag = tag;
  if (kind === "missing") return res.writeHead(404).end("none here");
  const all = body(size, version);
  const match = /^bytes=(\d+)-$/.exec(req.headers.range || "");
  const same = [tag, headers["Last-Modified"]].includes(req.headers["if-range"]);
  let from = match && (same || kind === "ignores") ? Number(match[1]) : 0;
  if (kind === "norange") from = 0;
  let status = from ? 206 : 200;
  if (from && from >= size) {
    const total = kind === "wrong416" ? size + 5 : size;
    return res.writeHead(416, { ...headers, "Content-Range": `bytes */${total}` }).end();
  }
  let rest = all.subarray(from);
  if (status === 206) {
    headers["Content-Range"] = `bytes ${from}-${size - 1}/${size}`;
    if (kind === "shifted") headers["Content-Range"] = `bytes ${from + 1}-${size}/${size + 1}`;
    if (kind === "total") headers["Content-Range"] = `bytes ${from}-${size + 9}/${size + 10}`;
    if (kind === "garbage") headers["Content-Range"] = "bytes x";
    if (kind === "rangeless") delete headers["Content-Range"];
    if (kind === "othertag") headers.ETag = '"v9"';
    if (kind === "untagged") delete headers.ETag;
    if (kind === "more") rest = Buffer.concat([rest, Buffer.from("more")]);
  }
  if (kind === "unasked") {
    status = 206;
    headers["Content-Range"] = `bytes 0-${size - 1}/${size}`;
  }
  if (kind !== "chunked" && kind !== "more") headers["Content-Length"] = rest.length;
  res.writeHead(status, headers);
  if (slow) {
    let at = 0;
    const next = () => {
      if (res.destroyed) return;
      res.write(rest.subarray(at, at + slow));
      at += slow;
      if (at < rest.length) setTimeout(next, 20);
      else res.end();
    };
    next();
  } else if (cut && cut < rest.length) {
    res.write(rest.subarray(0, cut), () => setTimeout(() => res.destroy(), 30));
  } else res.end(rest);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`PLAIN=${server.address().port}`);
  console.log("READY");
});
