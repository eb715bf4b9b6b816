"""What is measured. Each class makes what it needs once, and `once()` returns seconds (or bytes) by name of the work."""

import re

import host
import large_project

from build import Build
from dns import Dns
from engines import IMAGE
from logs import Logs
from pull import Pull
from runtimes import Bubblewrap, Crun, Runc
from scale import MARK, CopyUp, FiftyThatRun, Load, stack, up_and_down

DEFAULT_REPEATS = {"up-1": 10, "up-10": 5, "down-10": 5, "up-50": 5, "down-50": 5,
                   "up-200": 3, "down-200": 3, "up-500": 3, "down-500": 3, "recreate-50": 5, "noop-50": 5, "ps-50": 5, "idle-50": 5,
                   "copy-up": 5, "load": 5, "chain": 3, "exec": 30, "oneoff": 10, "memory": 2, "config-10": 20,
                   "config-1000": 10, "pull": 5, "build-cold": 5, "build-again": 5, "dns": 5, "logs-write": 3,
                   "logs-read": 3}


class UpOne:
    def __init__(self, engine):
        self.engine = engine

    def once(self):
        took = self.engine.compose(stack(1), "up", "-d")
        self.engine.compose(stack(1), "down", "-t", "0")
        return {"up-1": took}

    def finish(self):
        pass


def chain(count):
    """`count` services, each of which waits for the one before, and is ready 200 ms after its own start."""
    services = ""
    for n in range(1, count + 1):
        gate = f"    depends_on: {{s{n - 1}: {{condition: service_healthy}}}}\n" if n > 1 else ""
        services += (f"  s{n}:\n    image: {IMAGE}\n    init: true\n"
                     "    command: [sh, -c, \"sleep 0.2; touch /tmp/ready; exec sleep infinity\"]\n"
                     "    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 5s}\n" + gate)
    return "services:\n" + services


class Chain(UpOne):
    """Nothing but readiness: the applications need a second, and what is more is the engine's."""

    def once(self):
        took = self.engine.compose(chain(5), "up", "--wait")
        self.engine.compose(chain(5), "down", "-t", "0")
        return {"chain": took}


class Config:
    """Reading a file and nothing more: `config -q` of ten services and of a thousand."""

    def __init__(self, engine):
        self.engine = engine
        self.files = {f"config-{count}": large_project.text(count) for count in (10, 1000)}

    def once(self):
        return {work: self.engine.compose(file, "config", "-q") for work, file in self.files.items()}

    def finish(self):
        pass


class Exec:
    def __init__(self, engine):
        self.engine = engine
        engine.compose(stack(1), "up", "-d")

    def once(self):
        return {"exec": self.engine.compose(stack(1), "exec", "-T", "s1", "true")}

    def finish(self):
        self.engine.compose(stack(1), "down", "-t", "0")


class OneOff:
    """The network is there already: the stack is up, and the one-off container joins it. The runtimes alone make no network."""

    runtimes = [Runc, Crun, Bubblewrap]

    def __init__(self, engine):
        self.engine = engine
        engine.compose(stack(1), "up", "-d")
        self.possible = engine.knows("run")
        if not self.possible:
            print(f"oneoff: {engine.name} has no `run` yet")

    def once(self):
        if not self.possible:
            return {}
        return {"oneoff": self.engine.compose(stack(1), "run", "--rm", "-T", "s1", "true")}

    def finish(self):
        self.engine.compose(stack(1), "down", "-t", "0")


def proportional_set_size(pids):
    """Bytes; what several processes share is counted once in all."""
    return sum(int(match[1]) << 10 for pid in pids
               if (match := re.search(r"^Pss:\s+(\d+) kB", host.read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)))


class Memory(UpOne):
    """The engine's processes and the init in each container; not the service itself."""

    def cost_of(self, count):
        self.engine.compose(stack(count), "up", "-d")
        cost = proportional_set_size(self.engine.own_processes() + host.first_processes(MARK))
        self.engine.compose(stack(count), "down", "-t", "0")
        return cost

    def once(self):
        one, fifty = self.cost_of(1), self.cost_of(50)
        return {"memory:1": one, "memory:50": fifty, "memory:per container": (fifty - one) / 49}


WORKS = [(("up-1",), UpOne), *(((f"up-{count}", f"down-{count}"), up_and_down(count)) for count in (10, 50, 200, 500)),
         (("recreate-50", "noop-50", "ps-50", "idle-50"), FiftyThatRun), (("copy-up",), CopyUp), (("load",), Load), (("chain",), Chain), (("exec",), Exec), (("oneoff",), OneOff),
         (("memory",), Memory), (("config-10", "config-1000"), Config), (("pull",), Pull), (("build-cold", "build-again"), Build),
         (("dns",), Dns), (("logs-write", "logs-read"), Logs)]
