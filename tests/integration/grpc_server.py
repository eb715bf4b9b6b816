"""A server of the gRPC health checking protocol, written from the RFCs and not from berth: python3 grpc_server.py PORT

One service, "shop.Cart", serves; "shop.Slow" does not; others are unknown and get an answer without a message. It does what
a client has to stand: settings and a ping first, padded data, and the answer in two frames.
"""

import socket
import struct
import sys
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
STATUS = {b"": 1, b"shop.Cart": 1, b"shop.Slow": 2}


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Connection:
    def __init__(self, peer):
        self.peer = peer
        self.file = peer.makefile("rb")

    def read_frame(self):
        head = self.file.read(9)
        if len(head) < 9:
            raise EOFError
        return head[3], head[4], int.from_bytes(head[5:9], "big"), self.file.read(int.from_bytes(head[:3], "big"))

    def serve(self):
        assert self.file.read(len(PREFACE)) == PREFACE
        self.peer.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) + frame(PING, 0, 0, b"are you?"))
        acknowledged, headers, message = set(), b"", None
        while acknowledged != {SETTINGS, PING} or message is None:
            kind, flags, stream, payload = self.read_frame()
            if kind in (SETTINGS, PING) and flags & 1:
                acknowledged.add(kind)
            elif kind == SETTINGS:
                self.peer.sendall(frame(SETTINGS, 1, 0, b""))
            elif kind == HEADERS:
                headers = payload
            elif kind == DATA and flags & 1:
                message, call = payload, stream
        assert b"/grpc.health.v1.Health/Check" in headers and b"application/grpc" in headers
        service = message[7:] if len(message) > 5 else b""
        answer = frame(HEADERS, 4, call, b"\x88\x0f\x10\x10application/grpc")
        if service in STATUS:
            body = b"\0" + struct.pack(">I", 2) + bytes([8, STATUS[service]])
            answer += frame(DATA, 8, call, b"\x04" + body[:3] + b"\0" * 4) + frame(DATA, 0, call, body[3:])
        self.peer.sendall(answer + frame(HEADERS, 5, call, b"\0\x0bgrpc-status" + (b"\x010" if service in STATUS else b"\x015")))

    def run(self):
        try:
            self.serve()
        except (EOFError, OSError):
            pass
        self.peer.close()


def main():
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
        while True:
            peer, _ = server.accept()
            threading.Thread(target=Connection(peer).run, daemon=True).start()


if __name__ == "__main__":
    main()
