"""What `watch` costs on a large tree: until it is ready, its memory and processor time, and from the closing of a file to its being in the
container."""

import os
import resource
import shutil
import statistics
import subprocess
import time

import host

from engines import IMAGE
from figures import BYTES
from scale import proportional_set_size
from trial import Failed, Trial

FILES, FILES_IN_A_FOLDER, BURST = 50_000, 50, 1000
STACK = """
services:
  web:
    image: {image}
    build: "{folder}" # Compose does not watch without
    command: [sleep, infinity]
    init: true
    environment: {{BERTH_TEST_MARK: "{mark}"}}
    develop: {{watch: [{{path: "{folder}/src", action: sync, target: /app}}]}}
"""


def make_tree(folder):
    for i in range(0, FILES, FILES_IN_A_FOLDER):
        directory = os.path.join(folder, f"src/{i // 5000}/{i}")
        os.makedirs(directory)
        for j in range(i, min(i + FILES_IN_A_FOLDER, FILES)):
            write(os.path.join(directory, f"module-{j}.js"), f"export const value = {j};\n")


def write(path, text="x"):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def wait_for(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"after {seconds} seconds there is still no {what}")
        time.sleep(0.0005)


def with_children(parent):
    """A docker command has Compose as a child."""
    return [pid for pid in host.pids()
            if pid == parent or host.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1:2] == [str(parent)]]


class Watch(Trial):
    works = {"watch-ready": f"`watch` of {FILES:,} files: from the command to `Watch enabled`",
             "watch-file": "from the closing of a file to its being in the container", "watch-burst": f"the same for {BURST:,} files",
             "watch-memory": "what `watch` takes of memory", "watch-cpu": "and of processors for all that"}
    units = {"watch-memory": BYTES}
    needs = "watch"
    repeats = 2

    def __init__(self, engine):
        super().__init__(engine)
        self.turn = 0
        self.ours, theirs = engine.folder("watch")
        make_tree(self.ours)
        write(os.path.join(self.ours, "Dockerfile"), f"FROM {IMAGE}\n")
        mark = f"berth-bench-watch-{engine.name}"
        self.stack = STACK.format(image=IMAGE, mark=mark, folder=theirs)
        engine.compose(self.stack, "up", "-d")
        self.root = f"/proc/{host.first_processes(mark)[0]}/root"

    def has(self, name):
        return os.path.exists(f"{self.root}/app/0/0/{name}")

    def seconds_for(self, names):
        started = time.monotonic()
        for name in names:
            write(f"{self.ours}/src/0/0/{name}")
        wait_for(f"{names[-1]} in the container", lambda: all(self.has(name) for name in reversed(names)))
        return time.monotonic() - started

    def once(self):
        self.turn += 1
        output = os.path.join(self.ours, "output")
        command, options = self.engine.command(self.stack)
        given = options.pop("input", None)
        with open(output, "w", encoding="utf-8") as file:
            started = time.monotonic()
            watch = subprocess.Popen([*command, "watch", "--no-up"], text=True, stdout=file, stderr=file,
                                     **{"stdin": subprocess.PIPE, **options})
            try:
                if given:
                    watch.stdin.write(given)
                    watch.stdin.close()
                wait_for("`Watch enabled`", lambda: "enabled" in host.read(output).lower())
                figures = {"watch-ready": time.monotonic() - started}
                latencies = []
                for i in range(10):
                    time.sleep(0.6)  # for the engine to be quiet again
                    latencies.append(self.seconds_for([f"new-{self.turn}-{i}.js"]))
                figures["watch-file"] = statistics.median(latencies)
                figures["watch-burst"] = self.seconds_for([f"burst-{self.turn}-{i}.js" for i in range(BURST)])
                figures["watch-memory"] = proportional_set_size(with_children(watch.pid))
            finally:
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                watch.terminate()
                watch.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures["watch-cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return figures

    def finish(self):
        self.engine.compose(self.stack, "down", "-t", "0")
        shutil.rmtree(self.ours)
