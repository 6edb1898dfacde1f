// undici: request() through one Agent with as many connections as are in flight, one request
// each, which its documentation calls the fastest way that still gives whole answers.
import { createWriteStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pipeline } from "node:stream/promises";
import { createSecureContext } from "node:tls";
import { all, answer, report, run } from "./contract.mjs";

const { Agent, interceptors, request, setGlobalDispatcher } =
  createRequire(process.env.BENCH_MODULES + "/")("undici");
let agent = new Agent({
  connections: run.workload === "hosts" ? 1 : run.workload === "h2" ? 1 : run.flying,
  pipelining: run.workload === "h2" ? 128 : 1,
  allowH2: run.workload === "h2",
  // one context for all: else the authorities are read again for every connection
  connect: run.ca ? { secureContext: createSecureContext({ ca: readFileSync(run.ca, "utf8") }) } : {},
});
if (run.workload === "json") {
  agent = interceptors.decompress ? agent.compose(interceptors.decompress()) : agent;
}
setGlobalDispatcher(agent);

async function get(url) {
  const res = await request(url, { headers: run.workload === "json" ? { "accept-encoding": "gzip" } : {} });
  const type = res.headers["content-type"];
  if (run.workload === "json") {
    const text = await res.body.text();
    run.sum += JSON.parse(text).items.length;
    answer(res.statusCode, type, Buffer.byteLength(text));
  } else {
    answer(res.statusCode, type, (await res.body.arrayBuffer()).byteLength);
  }
}

async function download() {
  const res = await request(run.url);
  if (res.statusCode === 200) run.ok++;
  if (run.workload === "save") {
    const file = createWriteStream(run.out);
    await pipeline(res.body, file);
    run.bytes = file.bytesWritten;
  } else {
    for await (const piece of res.body) run.bytes += piece.length;
  }
}

if (run.workload === "save" || run.workload === "stream") await download();
else await all(get);
report();
await agent.close();
