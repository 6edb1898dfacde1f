"""A server of events that breaks its streams on purpose.

    events.py            says "port N", logs what it is asked, ends with stdin

Each GET of /PLAN?key=K takes the next step of its plan, the last one again and again.
Steps are separated by "/": lines of letters that are described in `steps` below.
"""
import http.server
import socketserver
import sys
import threading
import urllib.parse

seen = {}


def head(h, status, kind="text/event-stream; charset=utf-8"):
    h.send_response(status)
    if kind:
        h.send_header("Content-Type", kind)
    h.send_header("Connection", "close")


def stream(h, text, length=None):
    head(h, 200)
    if length:
        h.send_header("Content-Length", str(length))
    h.end_headers()
    h.wfile.write(text.encode())


def hang_up(h):
    h.close_connection = True


steps = {
    "one": lambda h: stream(h, "retry: 20\nid: 1\ndata: one\n\n"),
    "two": lambda h: stream(h, "\ufeffid: 2\ndata: two\n\n"),
    "plain": lambda h: stream(h, "data: plain\n\n"),
    "reset": lambda h: stream(h, "id\ndata: reset\n\n"),
    "cut": lambda h: stream(h, "id: 3\ndata: whole\n\nid: 4\ndata: cut", 1000),
    "empty": lambda h: stream(h, "retry: 20\n\n"),
    "gone": hang_up,
    "over": lambda h: (head(h, 204, None), h.end_headers()),
    "busy": lambda h: (head(h, 503), h.end_headers()),
    "created": lambda h: (head(h, 201), h.end_headers()),
    "text": lambda h: (head(h, 200, "text/plain"), h.end_headers()),
    "untyped": lambda h: (head(h, 200, None), h.end_headers()),
    "cookie": lambda h: (head(h, 200), h.send_header("Set-Cookie", "seen=yes"), h.end_headers(),
                         h.wfile.write(b"retry: 20\nid: 1\ndata: one\n\n")),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        names = urllib.parse.urlparse(self.path).path.strip("/").split("/")
        n = seen.get(self.path, 0)
        seen[self.path] = n + 1
        fields = ["Last-Event-ID", "Authorization", "Cookie", "X-Own", "X-Token"]
        said = ["%s=%s" % (f, self.headers[f]) for f in fields if f in self.headers]
        print(self.path, " ".join(said), file=sys.stderr, flush=True)
        steps[names[min(n, len(names) - 1)]](self)

    do_POST = do_GET

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):  # without a name server's help
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


server = Server(("127.0.0.1", 0), Handler)
print("port %d" % server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
