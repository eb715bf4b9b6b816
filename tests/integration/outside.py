"""Another machine, as far as IP can tell, and a server that says who asks it."""

import subprocess
import sys

from harness import wait_until

ECHO = """
import socket, socketserver, sys, threading
class Tcp(socketserver.TCPServer):
    address_family, allow_reuse_address, request_queue_size = socket.AF_INET6, True, 1024
class Udp(socketserver.UDPServer):
    address_family = socket.AF_INET6
def words(peer):
    return (sys.argv[2] + " hears " + peer[0].removeprefix("::ffff:")).encode()
class OverTcp(socketserver.BaseRequestHandler):
    def handle(self): self.request.sendall(words(self.client_address))
class OverUdp(socketserver.BaseRequestHandler):
    def handle(self): self.request[1].sendto(words(self.client_address), self.client_address)
port = int(sys.argv[1])
udp = Udp(("::", port), OverUdp)
threading.Thread(target=udp.serve_forever, daemon=True).start()
tcp = Tcp(("::", port), OverTcp)
print("ready", flush=True)
tcp.serve_forever()
"""

ASK = """
import socket, sys
host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
(family, _, _, _, address), *_ = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as asking:
    asking.settimeout(3)
    try:
        asking.connect(address)
        if kind == "udp":
            asking.send(b"who?")
        print(asking.recv(200).decode())
    except OSError as error:
        print(error)
"""


def within(pid):
    """A command runs in the network of that process when it is put behind this."""
    return ["nsenter", "-t", str(pid), "-n"]


class Echo:
    """Answers on a port of both families, TCP and UDP, in the network of a process: "web hears 192.0.2.9"."""

    def __init__(self, name, port, pid):
        self.process = subprocess.Popen([*within(pid), sys.executable, "-c", ECHO, str(port), name], stdout=subprocess.PIPE)

    def __enter__(self):
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def ask(host, port, kind="tcp", before=()):
    """What an Echo says, or why there is no answer."""
    return subprocess.run([*before, sys.executable, "-c", ASK, host, str(port), kind], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


class OutsideHost:
    """A network namespace that a veth pair connects with the host."""

    OURS, THEIRS = "198.51.100.1", "198.51.100.2"
    OURS6, THEIRS6 = "2001:db8:51::1", "2001:db8:51::2"

    def __enter__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        here = subprocess.run(["readlink", "/proc/self/ns/net"], stdout=subprocess.PIPE, check=True).stdout
        wait_until("the namespace is there", lambda: subprocess.run(
            ["readlink", f"/proc/{self.process.pid}/ns/net"], stdout=subprocess.PIPE, check=False).stdout != here)
        link = f"ito{self.process.pid % 100000}"
        for command in (
            f"ip link add {link} type veth peer name eth0 netns {self.process.pid}",
            f"ip addr add {self.OURS}/30 dev {link}",
            f"ip addr add {self.OURS6}/64 dev {link} nodad",
            f"ip link set {link} up",
            f"{' '.join(self.inside)} ip addr add {self.THEIRS}/30 dev eth0",
            f"{' '.join(self.inside)} ip addr add {self.THEIRS6}/64 dev eth0 nodad",
            f"{' '.join(self.inside)} ip link set lo up",
            f"{' '.join(self.inside)} ip link set eth0 up",
            f"{' '.join(self.inside)} ip route add default via {self.OURS}",
            f"{' '.join(self.inside)} ip route add default via {self.OURS6}",
        ):
            subprocess.run(command.split(), check=True)
        return self

    @property
    def inside(self):
        return within(self.process.pid)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
