"""What grows with a stack, and what must not: up and down of many services, and work on a stack of fifty that runs."""

import os
import re
import time

import host
import large_project
from engines import IMAGE
from figures import BYTES, SHARE
from trial import Trial

MARK = "berth-bench"


def stack(count, changed=None):
    """`count` services that write two lines and then do nothing, under an init, so that they end at once on SIGTERM. Of `changed`
    (number, value) the service with that number has a variable more."""
    services = "".join(
        f"  s{n}:\n    image: {IMAGE}\n    command: [tail, -n, '+1', -s, '100000', -f, /etc/passwd]\n    init: true\n"
        f"    environment: {{BERTH_TEST_MARK: {MARK}{f', TURN: {changed[1]}' if changed and changed[0] == n else ''}}}\n" for n in range(1, count + 1))
    return "services:\n" + services


def up_and_down(count, turns):
    """A class that takes `count` services up and down, and asks for their state and logs in between."""

    class UpAndDown(Trial):
        works = {f"up-{count}": f"`up -d` of {count}", f"ps-{count}": f"`ps` of {count} that run", f"logs-{count}": f"`logs` of those",
                 f"down-{count}": f"`down` of {count}"}
        repeats = turns
        needs = f"{count} services"

        def once(self):
            return {f"{name}-{count}": self.engine.compose(stack(count), *words)
                    for name, words in (("up", ["up", "-d"]), ("ps", ["ps"]), ("logs", ["logs"]), ("down", ["down"]))}

    return UpAndDown


class FiftyThatRun(Trial):
    IDLE_SECONDS = 5
    works = {"recreate-50": "`up -d` of fifty that run, of which one has changed", "noop-50": "`up -d` of fifty that run as they should",
             "idle-50": "what the engine's own processes take of a processor meanwhile"}
    units = {"idle-50": SHARE}
    repeats = 3

    def __init__(self, engine):
        super().__init__(engine)
        self.turn = 0
        engine.compose(stack(50), "up", "-d")

    def processor_time(self):
        ticks = 0
        for pid in self.engine.own_processes():
            fields = host.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def once(self):
        self.turn += 1
        took = {"recreate-50": self.engine.compose(stack(50, (25, self.turn)), "up", "-d"),
                "noop-50": self.engine.compose(stack(50, (25, self.turn)), "up", "-d")}
        before = self.processor_time()
        time.sleep(self.IDLE_SECONDS)
        took["idle-50"] = max((self.processor_time() - before) / self.IDLE_SECONDS, 1e-6)
        return took

    def finish(self):
        self.engine.compose(stack(50), "down", "-t", "0")


def proportional_set_size(pids):
    """Bytes; what several processes share is counted once in all."""
    return sum(int(match[1]) << 10 for pid in pids
               if (match := re.search(r"^Pss:\s+(\d+) kB", host.read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)))


class Memory(Trial):
    """The engine's processes and the init in each container; not the service itself."""

    works = {"memory-1": "what the engine's own processes take of memory with one container", "memory-50": "the same with fifty",
             "memory-each": "and for each container more"}
    units = {work: BYTES for work in works}
    repeats = 2

    def cost_of(self, count):
        self.engine.compose(stack(count), "up", "-d")
        cost = proportional_set_size(self.engine.own_processes() + host.first_processes(MARK))
        self.engine.compose(stack(count), "down", "-t", "0")
        return cost

    def once(self):
        one, fifty = self.cost_of(1), self.cost_of(50)
        return {"memory-1": one, "memory-50": fifty, "memory-each": (fifty - one) / 49}


class Config(Trial):
    """Reading a file, and nothing that runs."""

    COUNTS = (10, 200, 500)
    works = {f"config-{count}": f"`config` of a file with {count} services" for count in COUNTS}

    def once(self):
        return {f"config-{count}": self.engine.compose(large_project.text(count), "config") for count in self.COUNTS}
