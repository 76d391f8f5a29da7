// N GETs, WIDTH in flight, by fetch, undici's request or axios: run by tests/bench/http/run.
"use strict";
const { URL: url, N, WIDTH, BY } = process.env;
let left = Number(N);

const get = {
  fetch: async () => (await fetch(url)).text(),
  async undici() {
    const { request } = require("undici");
    return (await request(url)).body.text();
  },
  axios: async () => (await require("axios").get(url, { responseType: "text" })).data,
}[BY];

async function worker() {
  while (left-- > 0) if ((await get()).length !== 134) process.exit(1);
}

Promise.all(Array.from({ length: Number(WIDTH) }, worker)).then(() => process.exit(0));
