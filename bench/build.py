"""A build of fifteen steps: from nothing, and again when nothing has changed. Beside it buildah on the same Dockerfile."""

import os
import shutil
import subprocess
import tempfile
import time

import registries

STEPS = 15


def make_context(folder, base):
    """Fifteen steps, one after the other: copies, commands, values."""
    lines = [f"FROM {base}"]
    for n in range(1, STEPS):
        if n % 3 == 0:
            lines.append(f"COPY file{n} /files/")
            with open(os.path.join(folder, f"file{n}"), "w", encoding="utf-8") as file:
                file.write(f"content {n}\n" * 1000)
        elif n % 3 == 1:
            lines.append(f"RUN echo {n} > /step{n}")
        else:
            lines.append(f"ENV STEP{n}={n}")
    with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


class Source:
    """The base image in a registry, so that every engine can have it, and the context."""

    shared = None

    def __init__(self, engine):
        self.registry = registries.Registry()
        self.base = f"{self.registry.host}/base:1"
        self.folder = tempfile.mkdtemp(prefix="berth-bench-build-")
        engine.publish_base(self.base)
        make_context(self.folder, self.base)

    @classmethod
    def get(cls, engine):
        if cls.shared is None:
            cls.shared = cls(engine)
        return cls.shared

    @classmethod
    def stop(cls):
        if cls.shared is not None:
            cls.shared.registry.stop()
            shutil.rmtree(cls.shared.folder)
            cls.shared = None


def timed(command, **options):
    started = time.perf_counter()
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}")
    return time.perf_counter() - started


class Build:
    peers = []

    def __init__(self, engine):
        self.engine = engine
        self.source = Source.get(engine)
        engine.build(self.source.folder)  # the base is there now

    def once(self):
        cold = self.engine.build(self.source.folder, "--no-cache")
        return {"build-cold": cold, "build-again": self.engine.build(self.source.folder)}

    def finish(self):
        Source.stop()


class Buildah:
    name = "buildah"

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="berth-bench-buildah-")
        self.words = ["buildah", "--root", self.home + "/root", "--runroot", self.home + "/run", "--storage-driver", "vfs"]

    def build(self, folder, *options):
        return timed([*self.words, "bud", "--isolation", "chroot", "--layers", "--tls-verify=false", "-t", "bench:1", *options, folder])

    def stop(self):
        subprocess.run([*self.words, "rmi", "-a", "-f"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.home, ignore_errors=True)


class PeerBuild:
    def __init__(self, tool):
        self.engine = tool
        tool.build(Source.shared.folder)

    def once(self):
        cold = self.engine.build(Source.shared.folder, "--no-cache")
        return {"build-cold": cold, "build-again": self.engine.build(Source.shared.folder)}

    def finish(self):
        self.engine.stop()


if shutil.which("buildah"):
    Build.peers = [(PeerBuild, Buildah)]
