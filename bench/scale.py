"""What grows with a stack, and what must not: up and down of many services, and work on a stack of fifty that runs."""

import os
import subprocess
import tempfile
import time

import busybox
import host
from engines import IMAGE

MARK = "berth-bench"


def stack(count, changed=None):
    """`count` services that sleep under an init, so that they end at once on SIGTERM; one of them with a variable more."""
    services = "".join(
        f"  s{n}:\n    image: {IMAGE}\n    command: [sleep, infinity]\n    init: true\n"
        f"    environment: {{BERTH_TEST_MARK: {MARK}{f', TURN: {changed[1]}' if changed and changed[0] == n else ''}}}\n" for n in range(1, count + 1))
    return "services:\n" + services


def up_and_down(count):
    """A class that takes `count` services up and down."""

    class UpAndDown:
        def __init__(self, engine):
            self.engine = engine

        def once(self):
            up = self.engine.compose(stack(count), "up", "-d")
            return {f"up-{count}": up, f"down-{count}": self.engine.compose(stack(count), "down")}

        def finish(self):
            pass

    return UpAndDown


class FiftyThatRun:
    """`noop-50`: an `up -d` that finds all as it should be; `recreate-50`: one of the fifty has changed; `ps-50`; `idle-50`: the
    share of a processor that the engine's own processes take while nothing happens (seconds per second)."""

    IDLE_SECONDS = 5

    def __init__(self, engine):
        self.engine = engine
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
                "noop-50": self.engine.compose(stack(50, (25, self.turn)), "up", "-d"),
                "ps-50": self.engine.compose(stack(50), "ps")}
        before = self.processor_time()
        time.sleep(self.IDLE_SECONDS)
        took["idle-50"] = max((self.processor_time() - before) / self.IDLE_SECONDS, 1e-6)
        return took

    def finish(self):
        self.engine.compose(stack(50), "down", "-t", "0")


class CopyUp:
    """`up -d` of a service with an empty volume on a folder of its image that holds ten thousand files."""

    FILES = 10_000
    NAME = "berth-bench-files:1"

    def __init__(self, engine):
        self.engine = engine
        with tempfile.TemporaryDirectory(prefix="berth-bench-files-") as folder:
            subprocess.run(["tar", "-xf", busybox.image_tar(), "-C", folder], check=True)
            for n in range(self.FILES):
                os.makedirs(os.path.join(folder, "data", str(n % 100)), exist_ok=True)
                with open(os.path.join(folder, "data", str(n % 100), str(n)), "w", encoding="utf-8") as file:
                    file.write(f"{n}\n" * 20)
            tar = subprocess.run(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE, check=True).stdout
            engine.import_image(tar, self.NAME)
        self.file = (f"services:\n  s1:\n    image: {self.NAME}\n    command: [sleep, infinity]\n    init: true\n"
                     "    volumes: ['data:/data']\nvolumes: {data: {}}\n")

    def once(self):
        took = self.engine.compose(self.file, "up", "-d")
        self.engine.compose(self.file, "down", "-v", "-t", "0")
        return {"copy-up": took}

    def finish(self):
        self.engine.forget(self.NAME)


class Load:
    """`image load` of an archive with the image of ten thousand files, and `image rm` in between, which is not counted."""

    def __init__(self, engine):
        self.engine = engine
        self.files = CopyUp(engine)
        self.archive = engine.save(CopyUp.NAME)

    def once(self):
        self.engine.forget(CopyUp.NAME)
        return {"load": self.engine.load(self.archive)}

    def finish(self):
        os.unlink(self.archive)
        self.files.finish()
