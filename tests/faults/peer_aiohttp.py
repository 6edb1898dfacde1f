"""peer_aiohttp.py PLAN: makes the requests of the plan (JSON) at once, as aiohttp's documentation
recommends, and prints what became of each as JSON."""
import asyncio
import json
import socket
import ssl
import sys
import time

import aiohttp
from aiohttp.abc import AbstractResolver


class Given(AbstractResolver):
    def __init__(self, names):
        self.names = names

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": self.names[host], "port": port, "family": socket.AF_INET,
                 "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self):
        pass


def tls_of(plan):
    if plan.get("insecure"):
        return False
    return ssl.create_default_context(cafile=plan["ca"]) if plan.get("ca") else None


async def read(response, most):
    body = b""
    async for piece in response.content.iter_chunked(65536):
        body += piece
        if len(body) > most:
            raise ValueError("the body is too large")
    return body


async def ask(session, plan):
    args = {"allow_redirects": True, "max_redirects": 10, "data": plan.get("body"), "proxy": plan.get("proxy")}
    tls = tls_of(plan)
    if tls is not None:
        args["ssl"] = tls
    async with session.request(plan.get("method", "GET"), plan["url"], **args) as response:
        body = await read(response, plan["max_body"])
        return {"status": response.status, "len": len(body), "body": body[:2000].decode("latin-1")}


async def one(plan):
    began = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=plan["total"], sock_connect=plan.get("connect"), sock_read=plan.get("stall"))
    connector = aiohttp.TCPConnector(limit=200, resolver=Given(plan["resolve"]) if plan.get("resolve") else None)
    try:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            if plan.get("before"):
                await ask(session, dict(plan, url=plan["before"], method="GET", body=None))
            out = await ask(session, plan)
    except Exception as e:
        out = {"failed": True, "text": type(e).__name__ + ": " + str(e)}
    out["took"] = time.monotonic() - began
    return out


async def main():
    with open(sys.argv[1]) as f:
        plans = json.load(f)
    print(json.dumps(await asyncio.gather(*map(one, plans))))


asyncio.run(main())
