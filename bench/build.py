"""A build of fifteen steps: from nothing, and again when nothing has changed."""

import os
import shutil
import tempfile

import busybox
import registries

from layered_image import Layout
from trial import Trial

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


class Base:
    """The busybox image in a registry, so that every engine can have it."""

    shared = None

    def __init__(self):
        self.registry = registries.Registry()
        with tempfile.TemporaryDirectory(prefix="berth-bench-base-") as folder:
            layout = Layout(os.path.join(folder, "layout"))
            layout.add_tar(busybox.image_tar(), "gzip")
            layout.finish({"Env": ["PATH=/bin"]})
            self.name = self.registry.push(f"oci:{layout.folder}:1", "base:1")

    @classmethod
    def get(cls):
        cls.shared = cls.shared or cls()
        return cls.shared

    @classmethod
    def stop(cls):
        if cls.shared:
            cls.shared.registry.stop()
            cls.shared = None


class Build(Trial):
    works = {"build-cold": "a Dockerfile of fifteen steps, without a cache", "build-again": "the same when nothing has changed"}

    def __init__(self, engine):
        super().__init__(engine)
        self.ours, self.folder = engine.folder("build")
        make_context(self.ours, Base.get().name)
        engine.build(self.folder)  # the base is there now

    def once(self):
        cold = self.engine.build(self.folder, "--no-cache")
        return {"build-cold": cold, "build-again": self.engine.build(self.folder)}

    def finish(self):
        shutil.rmtree(self.ours)
        Base.stop()
