"""A WebSocket server for specs: python3-websockets, and below it what no library would send.

    websocketd.py PORT [CERT KEY]

The path says what happens; see `scenes`. /raw sends any bytes (?hex=) once the handshake is
done; /last tells with which code the connection before it was closed.
"""
import asyncio
import http
import ssl
import sys
import urllib.parse

import websockets

last = {"code": None, "got": 0}


async def echo(ws, query):
    async for message in ws:
        await ws.send(message)


async def fragments(ws, query):
    await ws.send(["frag", "men", "", "té"])
    await ws.send([b"\0\1", b"\2"])
    await ws.wait_closed()


async def close(ws, query):
    await ws.close(int(query.get("code", "1000")), query.get("reason", ""))


async def cut(ws, query):
    await ws.send("before")
    await asyncio.sleep(0.02)
    ws.transport.abort()


async def end(ws, query):
    """FIN without a close frame."""
    await ws.send("before")
    ws.transport.close()


async def slow(ws, query):
    """Reads nothing at first, then counts the bytes of ?n= messages."""
    ws.transport.pause_reading()
    await asyncio.sleep(float(query.get("wait", "0.3")))
    ws.transport.resume_reading()
    total = 0
    for _ in range(int(query["n"])):
        total += len(await ws.recv())
    await ws.send(str(total))
    await ws.wait_closed()


async def deaf(ws, query):
    """Never reads, so never answers a ping or a close."""
    ws.transport.pause_reading()
    await asyncio.sleep(3600)


async def flood(ws, query):
    message = "x" * int(query["size"])
    for i in range(int(query["n"])):
        await ws.send(message)
    await ws.wait_closed()


async def ping(ws, query):
    await asyncio.wait_for(await ws.ping(b"are you there"), 5)
    await ws.send("answered")
    await ws.wait_closed()


async def raw(ws, query):
    ws.transport.write(bytes.fromhex(query["hex"]))
    if "end" in query:
        ws.transport.close()
    await ws.wait_closed()


async def headers(ws, query):
    for name, value in ws.request_headers.raw_items():
        await ws.send(name + ": " + value)
    await ws.close()


async def tell_last(ws, query):
    await ws.send(str(last["code"]))


scenes = {
    "/echo": echo, "/fragments": fragments, "/close": close, "/cut": cut, "/end": end,
    "/slow": slow, "/deaf": deaf, "/flood": flood, "/ping": ping, "/raw": raw,
    "/headers": headers, "/last": tell_last,
}


async def serve(ws):
    url = urllib.parse.urlsplit(ws.path)
    try:
        await scenes[url.path](ws, dict(urllib.parse.parse_qsl(url.query)))
    except websockets.ConnectionClosed:
        pass
    if url.path != "/last":
        await ws.wait_closed()
        last["code"] = ws.close_code


async def answer(path, headers):
    if path == "/refused":
        return http.HTTPStatus.FORBIDDEN, [], b"no\n"
    if path == "/moved":
        return http.HTTPStatus.FOUND, [("Location", "/echo")], b""
    return None


async def main():
    tls = None
    if len(sys.argv) > 3:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[2], sys.argv[3])
    async with websockets.serve(
        serve, "127.0.0.1", int(sys.argv[1]), ssl=tls, max_size=None, ping_interval=None,
        close_timeout=1, subprotocols=["chat.v2", "chat.v1"], process_request=answer,
    ):
        await asyncio.Future()


asyncio.run(main())
