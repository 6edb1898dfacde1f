"""aiohttp under uvloop: one session and connector, each body read whole (client quickstart)."""
import asyncio
import ssl
import time

import aiohttp
import uvloop
from contract import Run

run = Run()


async def get(session, n, url):
    start = time.perf_counter()
    async with session.get(url) as res:
        body = await res.read()
        run.answer(res.status, res.headers.get("Content-Type"), body)
    run.took(n, start)


async def work(session, urls):
    for n, url in urls:
        await get(session, n, url)


async def download(session):
    async with session.get(run.url) as res:
        run.ok += res.status == 200
        if run.workload == "stream":
            async for chunk in res.content.iter_any():
                run.bytes += len(chunk)
        else:
            with open(run.out, "wb") as file:
                async for chunk in res.content.iter_any():
                    run.bytes += file.write(chunk)


async def main():
    verify = ssl.create_default_context(cafile=run.ca) if run.ca else None
    connector = aiohttp.TCPConnector(limit=0, ssl=verify)
    timeout = aiohttp.ClientTimeout(total=None if run.workload in ("save", "stream") else 30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        run.start = time.perf_counter()
        if run.workload in ("save", "stream"):
            await download(session)
        elif run.workload == "gather":
            await asyncio.gather(*(get(session, n, url) for n, url in run.urls()))
        elif run.count:
            urls = iter(run.urls())
            await asyncio.gather(*(work(session, urls) for _ in range(run.flying)))
        run.report()


uvloop.install()
asyncio.run(main())
