"""Work with single containers, and a chain of them."""

from engines import IMAGE
from runtimes import BerthOci, Bubblewrap, Crun, Runc
from scale import stack
from trial import Trial


def chain(count):
    """`count` services, each of which waits for the one before, and is ready 200 ms after its own start."""
    services = ""
    for n in range(1, count + 1):
        gate = f"    depends_on: {{s{n - 1}: {{condition: service_healthy}}}}\n" if n > 1 else ""
        services += (f"  s{n}:\n    image: {IMAGE}\n    init: true\n"
                     "    command: [sh, -c, \"sleep 0.2; touch /tmp/ready; exec sleep infinity\"]\n"
                     "    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 5s}\n" + gate)
    return "services:\n" + services


class Chain(Trial):
    """Nothing but readiness: the applications need a second, and what is more is the engine's."""

    works = {"chain": "`up --wait` of five services, each ready 200 ms after its start and waiting for the one before; `interval: 5s`"}
    repeats = 3
    needs = "up --wait"

    def once(self):
        took = self.engine.compose(chain(5), "up", "--wait")
        self.engine.compose(chain(5), "down", "-t", "0")
        return {"chain": took}


class OnOneThatRuns(Trial):
    def __init__(self, engine):
        super().__init__(engine)
        engine.compose(stack(1), "up", "-d")

    def finish(self):
        self.engine.compose(stack(1), "down", "-t", "0")


class Exec(OnOneThatRuns):
    works = {"exec": "`exec -T SERVICE true`"}
    repeats = 30

    def once(self):
        return {"exec": self.engine.compose(stack(1), "exec", "-T", "s1", "true")}


class OneOff(OnOneThatRuns):
    """The network is there already: the stack is up, and the one-off container joins it. The runtimes alone make no network."""

    works = {"oneoff": "`run --rm -T SERVICE true`; beside runtimes alone, which make no network"}
    repeats = 10
    others = (BerthOci, Runc, Crun, Bubblewrap)

    def once(self):
        return {"oneoff": self.engine.compose(stack(1), "run", "--rm", "-T", "s1", "true")}
