"""A pull from a registry on loopback: one gzip layer, fetched and unpacked. Beside it what the same bytes take by the plain tools:
`gzip -dc LAYER | tar -x`, and `skopeo copy` into an OCI layout, which does not unpack."""

import glob
import os
import shutil
import subprocess
import tempfile
import time

import registries

LAYER = 170_000_000  # bytes of files; about 61 MB as gzip
NAME = "bench:1"


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


def timed(command, **options):
    started = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    return time.perf_counter() - started


class Source:
    """The registry with the image; made once, for all engines."""

    shared = None

    def __init__(self):
        self.registry = registries.Registry()
        self.home = tempfile.mkdtemp(prefix="berth-bench-pull-")
        tar = os.path.join(self.home, "layer.tar")
        subprocess.run(["tar", "-cf", tar, "--files-from=-"], input="\n".join(some_files(LAYER)), text=True, check=True,
                       stderr=subprocess.DEVNULL)
        self.image = f"{self.registry.host}/{NAME}"
        layout = os.path.join(self.home, "layout")
        subprocess.run(["umoci", "init", "--layout", layout], check=True)
        subprocess.run(["umoci", "new", "--image", f"{layout}:1"], check=True)
        subprocess.run(["umoci", "raw", "add-layer", "--image", f"{layout}:1", tar], check=True)
        os.unlink(tar)
        self.registry.push(f"oci:{layout}:1", NAME)
        shutil.rmtree(layout)
        blobs = glob.glob(f"{self.registry.storage}/docker/registry/v2/blobs/sha256/*/*/data")
        self.layer = max(blobs, key=os.path.getsize)

    def stop(self):
        self.registry.stop()
        shutil.rmtree(self.home)

    @classmethod
    def get(cls):
        if cls.shared is None:
            cls.shared = cls()
        return cls.shared


class Plain:
    """gzip and tar, on the layer's own file."""

    name = "gzip|tar"

    def run(self, source, folder):
        return timed(["bash", "-c", 'set -o pipefail; gzip -dc "$1" | tar -x -C "$2"', "-", source.layer, folder])


class Skopeo:
    name = "skopeo"

    def run(self, source, folder):
        return timed(["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", f"docker://{source.image}", f"oci:{folder}/x:1"])


class PeerPull:
    def __init__(self, engine):
        self.engine = engine
        self.source = Source.get()

    def once(self):
        with tempfile.TemporaryDirectory(prefix="berth-bench-pull-") as folder:
            return {"pull": self.engine.run(self.source, folder)}

    def finish(self):
        pass


class Pull:
    peers = [(PeerPull, Plain), (PeerPull, Skopeo)]

    def __init__(self, engine):
        self.engine = engine
        self.source = Source.get()

    def once(self):
        took = self.engine.pull(self.source.image)
        self.engine.forget(self.source.image)
        return {"pull": took}

    def finish(self):
        if Source.shared is not None:
            Source.shared.stop()
            Source.shared = None
