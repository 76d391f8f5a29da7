// The reference client's side of the benches; client.lua is ours. Told by the environment:
// BENCH (what to measure), BENCH_N (how often), BENCH_SHAPE (of the events, or which
// figure of several), WS_URL, WS_CA (a file). What is measured inside prints
// `result NUMBER`; for what is measured from outside, `first` or `ready` says when.
"use strict";
const MODE = process.env.BENCH;
const N = Number(process.env.BENCH_N || 1);
const SHAPE = process.env.BENCH_SHAPE || "message";
const URL = process.env.WS_URL;

const say = (line) => process.stdout.write(line + "\n");
const seconds = () => Number(process.hrtime.bigint()) / 1e9;
const result = (number) => {
  say(`result ${number}`);
  process.exit(0);
};
const ca = process.env.WS_CA ? { ca: require("fs").readFileSync(process.env.WS_CA) } : {};
const connect = (more) => require("../peer/node_modules/socket.io-client").io(URL, {
  transports: ["websocket"],
  forceNew: true,
  ...ca,
  ...more,
});
const MESSAGE = {
  id: "8b0c6d1e-52f7-4c55",
  sessionId: "9f0e3f2b-6a5d-4c11",
  userId: "grace",
  content: "Ships in port are safe, but that is not what ships are built for.",
  type: "user",
  status: "delivered",
  createdAt: "2024-03-01T09:30Z",
  metadata: { confidence: 0.875, processingTime: 42 },
};
// Of all values, the one that so great a share is not above.
const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];

const modes = {
  // From the start of the process to the first event: measured outside.
  start() {
    connect().on("hello", () => {
      say("first");
      process.exit(0);
    });
  },
  // Memory with N idle connections: measured outside, until standard input closes.
  idle() {
    let open = 0;
    for (let i = 0; i < N; i++) connect().on("hello", () => ++open === N && say("ready"));
  },
  // Events a second through one handler that reads a field; a tenth more first, to warm up.
  events() {
    const socket = connect();
    let seen = 0;
    let from;
    socket.on("tick", (message) => (seen += message.id ? 1 : 0));
    socket.on("hello", () => socket.emit("flood", N / 10, SHAPE));
    socket.on("flooded", (n) => {
      if (from === undefined) {
        from = seconds();
        seen = 0;
        return socket.emit("flood", N, SHAPE);
      }
      const took = seconds() - from;
      if (seen !== n) throw new Error("events were lost");
      result(N / took);
    });
  },
  // Sequential round trips by ack: microseconds each.
  acks() {
    const socket = connect();
    let left = N + N / 10;
    let from;
    const next = () => {
      if (left === N) from = seconds();
      if (left-- === 0) return result(((seconds() - from) / N) * 1e6);
      socket.emit("ping", 1, next);
    };
    socket.on("hello", next);
  },
  // Events out a second: emitted 500 a turn, until the server has counted them all.
  out() {
    const socket = connect();
    let left = N;
    let from;
    const emit = () => {
      for (let i = 0; i < 500 && left > 0; i++, left--) socket.emit("chat", MESSAGE);
      if (left > 0) setImmediate(emit);
    };
    socket.on("sunk", () => result(N / (seconds() - from)));
    socket.on("hello", () => {
      socket.emit("sink", N);
      setTimeout(() => {
        from = seconds();
        emit();
      }, 100);
    });
  },
  // Sequential round trips again, each by itself: the median or the 99th percentile, microseconds.
  trips() {
    const socket = connect();
    const took = [];
    let from;
    const next = () => {
      const now = seconds();
      if (from !== undefined) took.push(now - from);
      if (took.length === N + N / 10) {
        return result(quantile(took.slice(N / 10), SHAPE === "99" ? 0.99 : 0.5) * 1e6);
      }
      from = seconds();
      socket.emit("ping", 1, next);
    };
    socket.on("hello", next);
  },
  // From a lost connection to the next one, milliseconds, median of N restarts of the server.
  restart() {
    const socket = connect(SHAPE === "defaults" ? {} : { reconnectionDelay: 10, reconnectionDelayMax: 20 });
    const took = [];
    let from;
    socket.on("disconnect", () => (from = seconds()));
    socket.on("hello", () => {
      if (from !== undefined) took.push(seconds() - from);
      if (took.length === N) return result(quantile(took, 0.5) * 1e3);
      socket.emit("restart");
    });
  },
  // Timers made, fired and gone a second: N at once, five times.
  timers() {
    let rounds = 5;
    const from = seconds();
    const round = () => {
      let left = N;
      const fired = () => {
        if (--left > 0) return;
        if (--rounds > 0) return round();
        result((5 * N) / (seconds() - from));
      };
      for (let i = 0; i < N; i++) setTimeout(fired, 1);
    };
    round();
  },
};

modes[MODE]();
