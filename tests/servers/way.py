"""What goes wrong on the way: proxies and TLS servers with one habit each.

    way.py SCENE [CERT KEY]      says "port N", logs what proxies are asked, ends with stdin
"""
import os
import socket
import ssl
import struct
import sys
import threading

scene = sys.argv[1]
tls = None
if len(sys.argv) > 3:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])


def read_head(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(4096)
        if not more:
            break
        head += more
    return head


def log(text):
    print(text, file=sys.stderr, flush=True)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def pump(a, b, most):
    try:
        while most > 0:
            data = a.recv(min(65536, most))
            if not data:
                break
            most -= len(data)
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(client, server, most=1 << 40):
    t = threading.Thread(target=pump, args=(client, server, 1 << 40), daemon=True)
    t.start()
    pump(server, client, most)
    t.join()
    client.close()
    server.close()


# ---- proxies ----


def answer(status, text="x"):
    def play(sock):
        log(read_head(sock).decode("latin1"))
        sock.sendall(f"HTTP/1.1 {status} {text}\r\nContent-Length: 0\r\n\r\n".encode())
        sock.close()

    return play


def close_at_once(sock):
    sock.close()


def garbage(sock):
    read_head(sock)
    sock.sendall(b"220 mail.example ESMTP\r\n")
    sock.close()


def tunnel_closed(sock):
    read_head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    sock.recv(10)
    sock.close()


def mute(sock):
    read_head(sock)
    sock.recv(1)
    sock.close()


def connect_to(head):
    """Everything is on this machine, whatever its name."""
    port = head.split(b" ")[1].rsplit(b":", 1)[1]
    return socket.create_connection(("127.0.0.1", int(port)))


def tunnel(most=1 << 40):
    def play(sock):
        head = read_head(sock)
        log(head.decode("latin1"))
        server = connect_to(head)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        relay(sock, server, most)

    return play


def https_proxy(sock):
    tunnel()(tls.wrap_socket(sock, server_side=True))


def socks4(sock):
    head = sock.recv(8)
    port = struct.unpack(">H", head[2:4])[0]

    def text():
        out = b""
        while True:
            c = sock.recv(1)
            if c in (b"", b"\0"):
                return out.decode()
            out += c

    user = text()
    address = socket.inet_ntoa(head[4:8])
    name = text() if address.startswith("0.0.0.") else address
    log(f"{name}:{port} for {user}")
    if user == "nobody":
        sock.sendall(b"\0\x5b" + head[2:8])
        sock.close()
        return
    server = socket.create_connection(("127.0.0.1", port))
    sock.sendall(b"\0\x5a" + head[2:8])
    relay(sock, server)


# ---- TLS servers ----


def tls_close(sock):
    sock.recv(10000)
    sock.close()


def tls_reset(sock):
    sock.recv(10)
    reset(sock)


def tls_answer(head, body, polite):
    def play(sock):
        s = tls.wrap_socket(sock, server_side=True)
        read_head(s)
        s.sendall(head + body)
        if polite:
            s.unwrap().close()
        else:
            os.close(s.detach())

    return play


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
scenes = {
    "407": answer(407, "Proxy Authentication Required"),
    "502": answer(502, "Bad Gateway"),
    "403": answer(403, "Forbidden"),
    "close": close_at_once,
    "garbage": garbage,
    "mute": mute,
    "tunnel-closed": tunnel_closed,
    "tunnel": tunnel(),
    "tunnel-short": tunnel(20000),
    "https-proxy": https_proxy,
    "socks4": socks4,
    "tls-close": tls_close,
    "tls-reset": tls_reset,
    "tls-cut": tls_answer(OK + b"\r\n", b"part of it", False),
    "tls-cut-length": tls_answer(OK + b"Content-Length: 100\r\n\r\n", b"part of it", False),
    "tls-cut-chunked": tls_answer(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\npart\r\n", False),
    "tls-cut-head": tls_answer(b"HTTP/1.1 200 OK\r\nX-Half", b"", False),
    "tls-cut-whole": tls_answer(OK + b"Content-Length: 4\r\n\r\n", b"whol", False),
    "tls-end": tls_answer(OK + b"\r\n", b"all of it", True),
}


def guarded(play, sock):
    try:
        play(sock)
    except OSError:
        sock.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(64)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print("port %d" % listener.getsockname()[1], flush=True)
while True:
    conn, _ = listener.accept()
    threading.Thread(target=guarded, args=(scenes[scene], conn), daemon=True).start()
