"""A registry's bad neighbour: passes requests on to a plain HTTP server and does harm on the way, as the test says.

    with BadProxy("127.0.0.1:5000") as proxy:
        proxy.harm("/blobs/", cut(1000), answer(503))     # the first such request, then the second; later ones pass
        proxy.harm("/manifests/", answer(500), always=True)
        ... pull proxy.host/lib/app:1 ...
        proxy.requests                                     # what came: (method, path, headers)
"""

import http.client
import http.server
import re
import ssl
import threading


class Answer:
    """What goes back to the client. `stop_after`: so many bytes of the body, then the connection ends or hangs."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.stop_after, self.hang = None, False

    def set_header(self, name, value):
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()] + [(name, value)]


def cut(after):
    """Ends the connection after so many bytes of the body."""

    def harm(answer):
        answer.stop_after = after

    return harm


def stall(after):
    """Sends so many bytes of the body and then nothing, until the proxy is closed."""

    def harm(answer):
        answer.stop_after, answer.hang = after, True

    return harm


def corrupt(at=0):
    """One byte is another."""

    def harm(answer):
        at_byte = at % len(answer.body)
        answer.body = answer.body[:at_byte] + bytes([answer.body[at_byte] ^ 1]) + answer.body[at_byte + 1 :]

    return harm


def answer(status, headers=(), body=b""):
    """Something else instead."""

    def harm(original):
        original.status, original.headers, original.body = status, list(headers), body

    return harm


def redirect(location):
    return answer(307, [("Location", location)])


def header(name, value):
    """One header is another."""

    def harm(original):
        original.set_header(name, value)

    return harm


def ignore_range(_):
    """The server knows no ranges: all is sent again. (BadProxy drops the header before it asks.)"""


class BadProxy:
    def __init__(self, upstream, certificate=None):
        """certificate: paths of a certificate and its key for TLS towards the client."""
        self.upstream, self.requests, self.harms = upstream, [], []
        self.lock, self.closed = threading.Lock(), threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients go away in the middle: that is what the tests are about
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def harm(self, pattern, *harms, always=False):
        """Does each harm to one request whose path matches, in this order; always: all of them to every request."""
        with self.lock:
            self.harms.append((re.compile(pattern), list(harms), always))

    def heal(self):
        with self.lock:
            self.harms.clear()

    def seen(self, pattern, method=None):
        """The headers of the requests whose path matches."""
        with self.lock:
            return [headers for verb, path, headers in self.requests if re.search(pattern, path) and method in (None, verb)]

    def next_harms(self, path):
        with self.lock:
            for pattern, harms, always in self.harms:
                if pattern.search(path) and harms:
                    return list(harms) if always else [harms.pop(0)]
        return []

    def handler(proxy):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                with proxy.lock:
                    proxy.requests.append((self.command, self.path, dict(self.headers)))
                harms = proxy.next_harms(self.path)
                reply = self.ask_upstream(drop_range=ignore_range in harms)
                for harm in harms:
                    harm(reply)
                self.send(reply)

            def ask_upstream(self, drop_range):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {key: value for key, value in self.headers.items() if not (drop_range and key.lower() == "range")}
                headers.pop("Expect", None)
                connection = http.client.HTTPConnection(proxy.upstream)
                try:
                    connection.request(self.command, self.path, body, headers)
                    response = connection.getresponse()
                    return Answer(response.status, response.getheaders(), response.read())
                finally:
                    connection.close()

            def send(self, reply):
                self.send_response(reply.status)
                for name, value in reply.headers:
                    if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                        self.send_header(name, value)
                length = dict((name.lower(), value) for name, value in reply.headers).get("content-length", "0")
                self.send_header("Content-Length", length if self.command == "HEAD" else str(len(reply.body)))
                self.end_headers()
                if self.command == "HEAD":
                    return
                self.wfile.write(reply.body if reply.stop_after is None else reply.body[: reply.stop_after])
                self.wfile.flush()
                if reply.stop_after is not None:
                    if reply.hang:
                        proxy.closed.wait()
                    self.close_connection = True

            def log_message(self, *_):
                pass

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = serve

        return Handler
