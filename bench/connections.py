#!/usr/bin/python3
"""bench/connections.py serve PORT COUNT | ask ADDRESS PORT COUNT: TCP connections, one byte in each, from four clients at once.

`serve` says `listening` and ends after so many; `ask` says how many connections there were in a second.
"""

import os
import socket
import struct
import sys
import time

CLIENTS = 4
RESET = struct.pack("ii", 1, 0)  # closed so that no address stays in TIME_WAIT: there are but 28,000 ports


def serve(port, count):
    with socket.create_server(("", port), backlog=1024) as listening:
        print("listening", flush=True)
        for _ in range(count):
            connection, _ = listening.accept()
            with connection:
                connection.send(b"x")


def ask(address, port, count):
    for _ in range(count):
        with socket.create_connection((address, port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if connection.recv(1) != b"x":  # a proxy accepts before it knows whether anybody is there
                sys.exit("nobody answers")


def ask_from_all_clients(address, port, count):
    started = time.monotonic()
    clients = []
    for _ in range(CLIENTS):
        clients.append(os.fork())
        if clients[-1] == 0:
            ask(address, port, count // CLIENTS)
            os._exit(0)
    failed = [client for client in clients if os.waitpid(client, 0)[1]]
    if failed:
        sys.exit("a client has failed")
    print(count // CLIENTS * CLIENTS / (time.monotonic() - started))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        ask_from_all_clients(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
