// The fetch that Node has built in. The authority comes by NODE_EXTRA_CA_CERTS.
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { all, answer, report, run } from "./contract.mjs";

async function get(url) {
  const res = await fetch(url);
  const type = res.headers.get("content-type");
  if (run.workload === "json") {
    const text = await res.text();
    run.sum += JSON.parse(text).items.length;
    answer(res.status, type, Buffer.byteLength(text));
  } else {
    answer(res.status, type, (await res.arrayBuffer()).byteLength);
  }
}

async function download() {
  const res = await fetch(run.url);
  if (res.status === 200) run.ok++;
  async function* counted() {
    for await (const piece of res.body) {
      run.bytes += piece.length;
      if (run.workload === "save") yield piece;
    }
  }
  if (run.workload === "save") await pipeline(Readable.from(counted()), createWriteStream(run.out));
  else for await (const _ of counted()); // eslint-disable-line
}

if (run.workload === "save" || run.workload === "stream") await download();
else await all(get);
report();
