"""Pulls from a registry on loopback: the same files in one layer, in eight, in thirty. Beside it what the same bytes take by the plain
tools: `gzip -dc | tar -x` or `zstd -dc | tar -x` of each layer, and `skopeo copy` into an OCI layout, which does not unpack."""

import os
import shutil
import tempfile

import registries

from engines import timed
from layered_image import Layout
from trial import Trial

FILES = 170_000_000  # bytes; about 61 MB as gzip
COUNTS = (1, 8, 30)
KINDS = ("gzip", "zstd")
NAMES = [f"pull-{count}-{kind}" for kind in KINDS for count in COUNTS]


def some_files(limit):
    """Regular files of this machine's /usr/lib, as many as fit into `limit` bytes: programs and libraries, as in images."""
    files, size = [], 0
    for folder, folders, names in os.walk("/usr/lib"):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            size += os.path.getsize(path)
            if size > limit:
                return files
            files.append(path)
    return files


class Source:
    """The registry with the images; made once, for all who pull. `layers` are their files, by name of the image."""

    shared = None

    def __init__(self):
        self.registry = registries.Registry()
        self.home = tempfile.mkdtemp(prefix="berth-bench-pull-")
        self.layers = {}
        files = some_files(FILES)
        for kind in KINDS:
            for count in COUNTS:
                name = f"pull-{count}-{kind}"
                layout = Layout(os.path.join(self.home, name))
                self.layers[name] = [layout.add_layer(files[n::count], kind) for n in range(count)]
                layout.finish()
                self.registry.push(f"oci:{layout.folder}:1", f"{name}:1")

    def image(self, name):
        return f"{self.registry.host}/{name}:1"

    @classmethod
    def get(cls):
        cls.shared = cls.shared or cls()
        return cls.shared

    @classmethod
    def stop(cls):
        if cls.shared:
            cls.shared.registry.stop()
            shutil.rmtree(cls.shared.home)
            cls.shared = None


class Plain(Trial):
    name = "tool, tar"

    def __init__(self, _):
        super().__init__(self)
        self.source = Source.get()

    def pull(self, name, folder):
        script = 'set -o pipefail; tool=$1 folder=$2; shift 2; for layer; do "$tool" -dc <"$layer" | tar -x -C "$folder"; done'
        return timed(["bash", "-c", script, "-", name.rpartition("-")[2], folder, *self.source.layers[name]])

    def once(self):
        took = {}
        for name in NAMES:
            with tempfile.TemporaryDirectory(prefix="berth-bench-pull-") as folder:
                took[name] = self.pull(name, folder)
        return took


class Skopeo(Plain):
    name = "skopeo"

    def pull(self, name, folder):
        return timed(["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", f"docker://{self.source.image(name)}",
                      f"oci:{folder}/x:1"])


class Pull(Trial):
    works = {name: "a pull of 170 MB in {} layer(s) of {} from a registry on loopback".format(*name.split("-")[1:]) for name in NAMES}
    repeats = 3
    others = (Plain, Skopeo)

    def __init__(self, engine):
        super().__init__(engine)
        self.source = Source.get()

    def once(self):
        took = {}
        for name in NAMES:
            took[name] = self.engine.pull(self.source.image(name))
            self.engine.forget(self.source.image(name))
        return took

    def finish(self):
        Source.stop()
