"""TCP throughput (iperf3) and connections per second (connections.py): between two containers, and through published ports, from another
machine and from 127.0.0.1. Beside it, between containers, two network namespaces on a plain bridge."""

import json
import os
import subprocess
import sys

import host
import registries

from engines import IMAGE
from figures import BITS, CONNECTIONS
from trial import Failed, Trial

SECONDS, COUNT = 2, 8000
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "connections.py")
IPERF_PORT, CONNECTIONS_PORT = 5201, 5202
STACK = """
services:
  server:
    image: {image}
    command: [sleep, infinity]
    init: true
    environment: {{BERTH_TEST_MARK: "{mark}-server"}}
    ports: ["{iperf}:5201", "{connections}:5202"]
  client:
    image: {image}
    command: [sleep, infinity]
    init: true
    environment: {{BERTH_TEST_MARK: "{mark}-client"}}
"""


def run(command):
    return subprocess.run(command.split(), check=True, stdout=subprocess.PIPE, text=True).stdout


def inside(pid):
    return ["nsenter", "-t", str(pid), "-n"] if pid else []


class Namespace:
    """A network namespace without anything in it."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.pid = self.process.pid
        self.do("link set lo up")

    def do(self, command):
        run(f"nsenter -t {self.pid} -n ip {command}")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Outside(Namespace):
    """Another machine, on a wire to this one. `address` is where this one is reached from there."""

    def __init__(self, number):
        super().__init__()
        self.link, self.address = f"berthbench-{number}", f"10.216.{number}.1"
        run(f"ip link add {self.link} type veth peer name eth0 netns {self.pid}")
        run(f"ip addr add {self.address}/24 dev {self.link}")
        run(f"ip link set {self.link} up")
        self.do(f"addr add 10.216.{number}.2/24 dev eth0")
        self.do("link set eth0 up")
        self.do(f"route add default via {self.address}")


def throughput(server, client, address, port):
    """Bits per second from `client` to `server`, pids whose network namespaces are meant; 0 is ours."""
    said = ask(server, ["iperf3", "-s", "-1", "--forceflush"], client, ["iperf3", "-J", "-t", str(SECONDS), "-c", address, "-p", str(port)])
    return json.loads(said)["end"]["sum_received"]["bits_per_second"]


def connection_rate(server, client, address, port):
    serving = [sys.executable, PROGRAM, "serve", str(CONNECTIONS_PORT), str(COUNT)]
    return float(ask(server, serving, client, [sys.executable, PROGRAM, "ask", address, str(port), str(COUNT)]))


def ask(server, serving, client, asking):
    """What `asking` says in the client's namespace while `serving`, which says something when it listens and ends by itself, runs in
    the server's."""
    with subprocess.Popen([*inside(server), *serving], stdout=subprocess.PIPE, text=True) as listening:
        while "listening" not in listening.stdout.readline():
            if listening.poll() is not None:
                raise Failed(f"{serving[0]} does not listen")
        done = subprocess.run([*inside(client), *asking], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            listening.kill()
            raise Failed(f"{' '.join(asking)}: {done.stdout[-500:]}")
    return done.stdout


def address_of(pid):
    links = json.loads(run(f"nsenter -t {pid} -n ip -j -4 addr show scope global"))
    return next(entry["local"] for link in links for entry in link.get("addr_info", ()))


class PlainBridge(Trial):
    """What the kernel alone can do: no rules, no names, no sysctls."""

    name = "plain bridge"

    def __init__(self, _):
        super().__init__(self)
        self.ends = [Namespace(), Namespace()]
        run("ip link add berthbench type bridge")
        run("ip link set berthbench up")
        for number, end in enumerate(self.ends, 1):
            run(f"ip link add berthbench{number} type veth peer name eth0 netns {end.pid}")
            run(f"ip link set berthbench{number} master berthbench up")
            end.do(f"addr add 10.216.0.{number}/24 dev eth0")
            end.do("link set eth0 up")

    def once(self):
        way = (self.ends[0].pid, self.ends[1].pid, "10.216.0.1")
        return {"tcp-bridge": throughput(*way, IPERF_PORT), "connect-bridge": connection_rate(*way, CONNECTIONS_PORT)}

    def finish(self):
        for end in self.ends:
            end.stop()
        run("ip link del berthbench")


class Network(Trial):
    WAYS = {"bridge": "from container to container", "port": "from another machine through a published port",
            "localhost": "from 127.0.0.1 through a published port"}
    works = {**{f"tcp-{way}": f"TCP {what}" for way, what in WAYS.items()},
             **{f"connect-{way}": f"connections {what}" for way, what in WAYS.items()}}
    units = {work: BITS if work.startswith("tcp") else CONNECTIONS for work in works}
    repeats = 3
    others = (PlainBridge,)
    machines = 0

    def __init__(self, engine):
        super().__init__(engine)
        mark = f"berth-bench-{engine.name}"
        self.ports = [registries.free_port(), registries.free_port()]
        self.stack = STACK.format(image=IMAGE, mark=mark, iperf=self.ports[0], connections=self.ports[1])
        engine.compose(self.stack, "up", "-d")
        self.server, self.client = (host.first_processes(f"{mark}-{service}")[0] for service in ("server", "client"))
        Network.machines += 1
        self.outside = Outside(Network.machines)

    def once(self):
        figures = {}
        for way, (client, address, ports) in {
                "bridge": (self.client, address_of(self.server), (IPERF_PORT, CONNECTIONS_PORT)),
                "port": (self.outside.pid, self.outside.address, self.ports),
                "localhost": (0, "127.0.0.1", self.ports)}.items():
            figures[f"tcp-{way}"] = throughput(self.server, client, address, ports[0])
            figures[f"connect-{way}"] = connection_rate(self.server, client, address, ports[1])
        return figures

    def finish(self):
        self.outside.stop()
        self.engine.compose(self.stack, "down", "-t", "0")
