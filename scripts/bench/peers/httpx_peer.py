"""HTTPX: one AsyncClient for all, limits as wide as the work (its page on async support)."""
import asyncio
import ssl
import time

import httpx
import uvloop
from contract import Run

run = Run()


async def get(client, n, url):
    start = time.perf_counter()
    res = await client.get(url)
    run.answer(res.status_code, res.headers.get("content-type"), res.content)
    run.took(n, start)


async def work(client, urls):
    for n, url in urls:
        await get(client, n, url)


async def download(client):
    async with client.stream("GET", run.url) as res:
        run.ok += res.status_code == 200
        if run.workload == "stream":
            async for chunk in res.aiter_bytes():
                run.bytes += len(chunk)
        else:
            with open(run.out, "wb") as file:
                async for chunk in res.aiter_bytes():
                    run.bytes += file.write(chunk)


async def main():
    verify = ssl.create_default_context(cafile=run.ca) if run.ca else True
    limits = httpx.Limits(max_connections=run.flying, max_keepalive_connections=run.flying)
    async with httpx.AsyncClient(verify=verify, limits=limits, http2=run.workload == "h2", timeout=30) as client:
        run.start = time.perf_counter()
        if run.workload in ("save", "stream"):
            await download(client)
        elif run.workload == "gather":
            await asyncio.gather(*(get(client, n, url) for n, url in run.urls()))
        elif run.count:
            urls = iter(run.urls())
            await asyncio.gather(*(work(client, urls) for _ in range(run.flying)))
        run.report()


uvloop.install()
asyncio.run(main())
