// A Socket.IO server on raw sockets that says what it should not: the query's `c` names the conversation.
// Prints PORT n; /names lists the conversations. In those that a client should survive "end" comes last.
"use strict";
const http = require("http"), crypto = require("crypto"), url = require("url");
const HELLO = (more) => "0" + JSON.stringify({ sid: "S", upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1e6, ...more });
const frame = (data, op = 1, fin = true) => {
  const b = Buffer.isBuffer(data) ? data : Buffer.from(data);
  const h = b.length < 126 ? Buffer.from([(fin ? 0x80 : 0) | op, b.length]) : b.length < 65536 ? Buffer.from([(fin ? 0x80 : 0) | op, 126, b.length >> 8, b.length & 255])
    : (() => { const x = Buffer.alloc(10); x[0] = (fin ? 0x80 : 0) | op; x[1] = 127; x.writeBigUInt64BE(BigInt(b.length), 2); return x; })();
  return Buffer.concat([h, b]);
};
const bin = (d) => ({ bin: Buffer.from(d) });
const J = '40{"sid":"J"}';
const deep = (n) => "[".repeat(n) + "]".repeat(n);
// each: list of things sent in order after upgrade; string = text frame; {bin}; {raw}; {wait: prefix} wait for client packet; {close}, {end}, {fin}; {ms}
const P = (x) => `{"_placeholder":true,"num":${x}}`;
const OK = [HELLO(), { wait: "40" }, J];
const convs = {
  ok: [...OK, '42["end"]'],
  hello_twice: [...OK, HELLO({ sid: "T" }), '42["end"]'],
  hello_twice_fast: [HELLO(), HELLO(), { wait: "40" }, J, '42["end"]'],
  join_before_asked: [HELLO() , J, '42["end"]'],
  join_with_hello: [{ raw: () => Buffer.concat([frame(HELLO()), frame(J), frame('42["end"]')]) }],
  noop_flood: [...OK, { many: 20000, what: "6" }, '42["end"]'],
  ping_flood: [...OK, { many: 20000, what: "2" }, '42["end"]'],
  ping_payload: [...OK, "2" + "x".repeat(100), '42["end"]'],
  ping_long: [...OK, "2" + "x".repeat(100000), '42["end"]'],
  pong: [...OK, "3", "3probe", '42["end"]'],
  upgrade: [...OK, "5", '42["end"]'],
  close_packet: [...OK, "1"],
  close_before_join: [HELLO(), "1"],
  close_before_hello: ["1"],
  message_before_hello: ['42["x"]'],
  ping_before_hello: ["2", HELLO(), { wait: "40" }, J, '42["end"]'],
  noop_before_hello: ["6", HELLO(), { wait: "40" }, J, '42["end"]'],
  end_before_hello: [{ end: 1 }],
  end_after_hello: [HELLO(), { end: 1 }],
  end_after_ask: [HELLO(), { wait: "40" }, { end: 1 }],
  end_after_join: [...OK, { end: 1 }],
  end_mid_frame: [...OK, { raw: () => frame('42["cut"]').subarray(0, 5) }, { end: 1 }],
  unknown_type: [...OK, "7", '42["end"]'],
  unknown_type_b: [...OK, "x", '42["end"]'],
  empty: [...OK, "", '42["end"]'],
  sio_unknown: [...OK, "47", '42["end"]'],
  sio_9: [...OK, "49[]", '42["end"]'],
  sio_empty: [...OK, "4", '42["end"]'],
  event_empty: [...OK, "42", '42["end"]'],
  event_object: [...OK, '42{"a":1}', '42["end"]'],
  event_null: [...OK, "42null", '42["end"]'],
  event_empty_array: [...OK, "42[]", '42["end"]'],
  event_number: [...OK, "42[1,2]", '42["end"]'],
  event_bool: [...OK, "42[true]", '42["end"]'],
  event_nested: [...OK, '42[["a"]]', '42["end"]'],
  event_reserved: [...OK, '42["connect"]', '42["end"]'],
  event_reserved2: [...OK, '42["disconnect","x"]', '42["end"]'],
  event_bad_json: [...OK, '42["a",', '42["end"]'],
  event_trailing: [...OK, '42["a"]x', '42["end"]'],
  event_space: [...OK, '42 ["a"]', '42["end"]'],
  event_deep: [...OK, `42["a",${deep(3000)}]`, '42["end"]'],
  event_deeper: [...OK, `42["a",${deep(100000)}]`, '42["end"]'],
  event_proto: [...OK, '42["a",{"__proto__":{"x":1},"constructor":1}]', '42["end"]'],
  event_surrogate: [...OK, '42["a","\\ud800"]', '42["end"]'],
  event_nul: [...OK, '42["a\\u0000b"]', '42["end"]'],
  event_big_number: [...OK, '42["a",1e400,-1e400,123456789012345678901234567890]', '42["end"]'],
  event_name_long: [...OK, `42["${"n".repeat(1000000)}"]`, '42["end"]'],
  event_many_args: [...OK, `42["a"${",1".repeat(200000)}]`, '42["end"]'],
  event_keys: [...OK, `42["a",{${Array.from({ length: 50000 }, (_, i) => `"k${i}":1`).join(",")}}]`, '42["end"]'],
  ack_unknown: [...OK, "43999[1]", '42["end"]'],
  ack_no_id: [...OK, "43[1]", '42["end"]'],
  ack_negative: [...OK, "43-1[1]", '42["end"]'],
  ack_huge: [...OK, "43" + "9".repeat(400) + "[1]", '42["end"]'],
  ack_float: [...OK, "431.5[1]", '42["end"]'],
  ack_object: [...OK, "430{}", '42["end"]'],
  ack_empty: [...OK, "430", '42["end"]'],
  event_ack_huge: [...OK, "42" + "9".repeat(400) + '["a"]', '42["end"]'],
  event_ack_2_53: [...OK, '429007199254740993["a"]', '42["end"]'],
  event_ack_zeros: [...OK, '4200000001["a"]', '42["end"]'],
  connect_twice: [...OK, '40{"sid":"K"}', '42["end"]'],
  connect_100: [...OK, { many: 100, what: '40{"sid":"K"}' }, '42["end"]'],
  connect_no_sid: [HELLO(), { wait: "40" }, "40", '42["end"]'],
  connect_empty: [HELLO(), { wait: "40" }, "40{}", '42["end"]'],
  connect_sid_null: [HELLO(), { wait: "40" }, '40{"sid":null}', '42["end"]'],
  connect_sid_number: [HELLO(), { wait: "40" }, '40{"sid":5}', '42["end"]'],
  connect_sid_object: [HELLO(), { wait: "40" }, '40{"sid":{}}', '42["end"]'],
  connect_sid_long: [HELLO(), { wait: "40" }, `40{"sid":"${"s".repeat(100000)}"}`, '42["end"]'],
  connect_array: [HELLO(), { wait: "40" }, "40[]", '42["end"]'],
  connect_bad: [HELLO(), { wait: "40" }, '40{"sid"', '42["end"]'],
  connect_extra: [HELLO(), { wait: "40" }, '40{"sid":"J","x":[1,{}],"pid":5}', '42["end"]'],
  connect_pid_long: [HELLO(), { wait: "40" }, `40{"sid":"J","pid":"${"p".repeat(5000)}"}`, '42["end","o"]'],
  connect_id: [HELLO(), { wait: "40" }, '407{"sid":"J"}', '42["end"]'],
  connect_other: [HELLO(), { wait: "40" }, '40/other,{"sid":"X"}', J, '42["end"]'],
  error_object: [HELLO(), { wait: "40" }, '44{"message":"no"}'],
  error_string: [HELLO(), { wait: "40" }, '44"no"'],
  error_empty: [HELLO(), { wait: "40" }, "44{}"],
  error_none: [HELLO(), { wait: "40" }, "44"],
  error_array: [HELLO(), { wait: "40" }, "44[]"],
  error_data: [HELLO(), { wait: "40" }, '44{"message":5,"data":{"message":"x","data":[1,"}"]}}'],
  error_after_join: [...OK, '44{"message":"late"}'],
  error_long: [HELLO(), { wait: "40" }, `44{"message":"${"m".repeat(100000)}"}`],
  error_control: [HELLO(), { wait: "40" }, '44{"message":"a\\u001b[31mb\\r\\nc\\u0000d"}'],
  disconnect: [...OK, "41"],
  disconnect_payload: [...OK, '41{"message":"bye"}'],
  disconnect_before: [HELLO(), { wait: "40" }, "41"],
  disconnect_other: [...OK, "41/other,", '42["end"]'],
  disconnect_twice: [...OK, "41", "41"],
  early_many: [HELLO(), { wait: "40" }, { many: 5000, what: '42["e",1]' }, J, '42["end"]'],
  early_then_close: [HELLO(), { wait: "40" }, '42["e"]', { end: 1 }],
  early_ack: [HELLO(), { wait: "40" }, '427["e"]', J, { wait: "437" }, '42["end"]'],
  early_41: [HELLO(), { wait: "40" }, '42["e"]', "41"],
  early_44: [HELLO(), { wait: "40" }, '42["e"]', '44{"message":"no"}'],
  nsp_unknown: [...OK, '42/x,["a"]', '42["end"]'],
  nsp_long: [...OK, `42/${"n".repeat(500000)},["a"]`, '42["end"]'],
  nsp_no_comma: [...OK, "42/x", '42["end"]'],
  nsp_query: [...OK, '42/?a=b,["a"]', '42["end"]'],
  nsp_slash: [...OK, '42/,["a"]', '42["end"]'],
  bin_ok: [...OK, `451-["b",${P(0)}]`, bin("x"), '42["end"]'],
  bin_zero: [...OK, `450-["b"]`, '42["end"]'],
  bin_none: [...OK, `45["b"]`, '42["end"]'],
  bin_neg: [...OK, `45-1-["b"]`, '42["end"]'],
  bin_huge: [...OK, `4599999999999-["b"]`, bin("x"), '42["end"]'],
  bin_1000: [...OK, `451000-["b",${P(0)}]`, { many: 1000, what: bin("x") }, '42["end"]'],
  bin_11: [...OK, `4511-["b",${P(0)}]`, { many: 11, what: bin("x") }, '42["end"]'],
  bin_stray: [...OK, bin("x"), '42["end"]'],
  bin_text_between: [...OK, `452-["b",${P(0)},${P(1)}]`, bin("x"), '42["mid"]', bin("y"), '42["end"]'],
  bin_ping_between: [...OK, `452-["b",${P(0)},${P(1)}]`, bin("x"), "2", bin("y"), '42["end"]'],
  bin_twice: [...OK, `451-["b",${P(0)},${P(0)}]`, bin("x"), '42["end"]'],
  bin_unused: [...OK, `452-["b",${P(0)}]`, bin("x"), bin("y"), '42["end"]'],
  bin_out: [...OK, `451-["b",${P(5)}]`, bin("x"), '42["end"]'],
  bin_minus: [...OK, `451-["b",${P(-1)}]`, bin("x"), '42["end"]'],
  bin_frac: [...OK, `451-["b",${P(0.5)}]`, bin("x"), '42["end"]'],
  bin_str: [...OK, `451-["b",{"_placeholder":true,"num":"0"}]`, bin("x"), '42["end"]'],
  bin_no_num: [...OK, `451-["b",{"_placeholder":true}]`, bin("x"), '42["end"]'],
  bin_false: [...OK, `451-["b",{"_placeholder":false,"num":0},${P(0)}]`, bin("x"), '42["end"]'],
  bin_name: [...OK, `451-[${P(0)}]`, bin("x"), '42["end"]'],
  bin_deep: [...OK, `451-["b",${"[".repeat(2000)}${P(0)}${"]".repeat(2000)}]`, bin("x"), '42["end"]'],
  bin_empty: [...OK, `451-["b",${P(0)}]`, bin(""), '42["end"]'],
  bin_no_payload: [...OK, "451-", bin("x"), '42["end"]'],
  bin_cut: [...OK, `453-["b",${P(0)}]`, bin("x"), { end: 1 }],
  bin_ack: [...OK, `461-99[${P(0)}]`, bin("x"), '42["end"]'],
  bin_early: [HELLO(), { wait: "40" }, `451-["b",${P(0)}]`, bin("x"), J, '42["end"]'],
  bin_early_split: [HELLO(), { wait: "40" }, `451-["b",${P(0)}]`, J, bin("x"), '42["end"]'],
  hello_max0: [HELLO({ maxPayload: 0 }), { wait: "40" }, J, '42["end"]'],
  hello_maxnull: [HELLO({ maxPayload: null }), { wait: "40" }, J, '42["end"]'],
  hello_maxneg: [HELLO({ maxPayload: -1 }), { wait: "40" }, J, '42["end"]'],
  hello_maxstr: [HELLO({ maxPayload: "x" }), { wait: "40" }, J, '42["end"]'],
  hello_max1: [HELLO({ maxPayload: 1 }), { wait: "40" }, J, '42["end"]'],
  hello_nosid: ['0{"pingInterval":25000,"pingTimeout":20000}', { wait: "40" }, J, '42["end"]'],
  hello_sidnum: [HELLO({ sid: 5 }), { wait: "40" }, J, '42["end"]'],
  hello_sidlong: [HELLO({ sid: "x".repeat(3000) }), { wait: "40" }, J, '42["end"]'],
  hello_sidhuge: [HELLO({ sid: "x".repeat(300000) }), { wait: "40" }, J, '42["end"]'],
  hello_sidodd: [HELLO({ sid: "a b/ü\r\n\u0000" }), { wait: "40" }, J, '42["end"]'],
  hello_intstr: [HELLO({ pingInterval: "25000" }), { wait: "40" }, J, '42["end"]'],
  hello_int0: [HELLO({ pingInterval: 0 }), { wait: "40" }, J, '42["end"]'],
  hello_neg: [HELLO({ pingInterval: -5 }), { wait: "40" }, J, '42["end"]'],
  hello_inthuge: ['0{"sid":"S","upgrades":[],"pingInterval":1e300,"pingTimeout":1}', { wait: "40" }, J, '42["end"]'],
  hello_noint: ['0{"sid":"S","upgrades":[]}', { wait: "40" }, J, '42["end"]'],
  hello_upg: [HELLO({ upgrades: null }), { wait: "40" }, J, '42["end"]'],
  hello_upgws: [HELLO({ upgrades: ["websocket", "webtransport", 5, {}] }), { wait: "40" }, J, '42["end"]'],
  hello_extra: [HELLO({ x: { y: [] }, z: 1 }), { wait: "40" }, J, '42["end"]'],
  hello_array: ["0[]"], hello_bad: ["0{"], hello_none: ["0"], hello_null: ["0null"],
  hello_binary: [{ bin: Buffer.from(HELLO()) }],
  hello_slow: [{ ms: 300 }, HELLO(), { ms: 200 }, { wait: "40" }, { ms: 200 }, J, '42["end"]'],
  fragments: [...OK, { raw: () => Buffer.concat([frame('42["e', 1, false), frame("nd", 0, false), frame('"]', 0, true)]) }],
  fragment_ping: [...OK, { raw: () => Buffer.concat([frame('42["e', 1, false), frame("p", 9), frame('nd"]', 0, true)]) }],
  ws_close_1000: [...OK, { raw: () => frame(Buffer.from([3, 232]), 8) }],
  ws_close_4000: [...OK, { raw: () => frame(Buffer.concat([Buffer.from([15, 160]), Buffer.from("why\u001b[31m")]), 8) }],
  ws_close_bad: [...OK, { raw: () => frame(Buffer.from([3]), 8) }],
  ws_close_early: [{ raw: () => frame(Buffer.from([3, 232]), 8) }],
  ws_close_after_hello: [HELLO(), { raw: () => frame(Buffer.from([3, 232]), 8) }],
  ws_bad_utf8: [...OK, { raw: () => frame(Buffer.from([0x34, 0x32, 0xff]), 1) }],
  ws_rsv: [...OK, { raw: () => Buffer.from([0xf1, 1, 65]) }],
  ws_masked: [...OK, { raw: () => Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x36]) }],
  ws_len: [...OK, { raw: () => Buffer.from([0x81, 127, 0xff, 255, 255, 255, 255, 255, 255, 255]) }],
  ws_op: [...OK, { raw: () => Buffer.from([0x83, 0]) }],
  kick_in_turn: [...OK, { raw: () => Buffer.concat([frame('42["a"]'), frame('42["b"]'), frame("41")]) }],
};
const seen = {};
const server = http.createServer((req, res) => {
  const q = url.parse(req.url, true);
  if (q.pathname === "/names") return res.end(JSON.stringify(Object.keys(convs)));
  if (q.pathname === "/seen") return res.end(JSON.stringify(seen));
  res.writeHead(400).end("no polling here");
});
server.on("upgrade", async (req, socket) => {
  const name = url.parse(req.url, true).query.c;
  seen[name] = (seen[name] || 0) + 1;
  const key = crypto.createHash("sha1").update(req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.setNoDelay(true);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  let buf = Buffer.alloc(0); const got = []; let wake = () => {};
  let over = false;
  socket.on("error", () => {}).on("close", () => { over = true; wake(); });
  socket.on("data", (d) => {
    buf = Buffer.concat([buf, d]);
    for (;;) {
      if (buf.length < 6) break;
      let len = buf[1] & 127, at = 2;
      if (len === 126) { len = buf.readUInt16BE(2); at = 4; } else if (len === 127) { len = Number(buf.readBigUInt64BE(2)); at = 10; }
      if (buf.length < at + 4 + len) break;
      const mask = buf.subarray(at, at + 4), body = Buffer.from(buf.subarray(at + 4, at + 4 + len));
      for (let i = 0; i < len; i++) body[i] ^= mask[i & 3];
      const op = buf[0] & 15;
      buf = buf.subarray(at + 4 + len);
      if (op === 8) { socket.write(frame(body, 8)); socket.end(); }
      else if (op === 9) socket.write(frame(body, 10));
      else got.push(body.toString());
      wake();
    }
  });
  const send = (x) => socket.writable && socket.write(x.bin ? frame(x.bin, 2) : frame(x, 1));
  for (const step of convs[name] || []) {
    if (over) return;
    if (typeof step === "string" || step.bin) send(step);
    else if (step.raw) socket.write(step.raw());
    else if (step.many) { for (let i = 0; i < step.many; i++) send(step.what); }
    else if (step.ms) await new Promise((r) => setTimeout(r, step.ms));
    else if (step.end) socket.end();
    else if (step.wait) while (!over && !got.some((g) => g.startsWith(step.wait))) await new Promise((r) => (wake = r));
  }
});
require("./peer").listen(server, require("./peer").options({}));
