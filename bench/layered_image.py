"""OCI layouts with layers of one's own choice."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile

MEDIA = "application/vnd.oci.image."
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
LEVELS = {"gzip": "-6", "zstd": "-3"}


class Layout:
    """An image with the tag `1` in a folder, complete after `finish()`."""

    def __init__(self, folder):
        self.folder, self.layers, self.diff_ids = folder, [], []
        os.makedirs(os.path.join(folder, "blobs/sha256"))

    def blob(self, name):
        return os.path.join(self.folder, "blobs/sha256", name)

    def add_layer(self, files, kind):
        """A layer of these files of this machine. Both: `kind` is gzip or zstd; the result is the layer's own file."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as tar:
            subprocess.run(["tar", "-c", "--files-from=-"], input="\n".join(files).encode(), stdout=tar, stderr=subprocess.DEVNULL,
                           check=True)
            return self.add_tar(tar.name, kind)

    def add_tar(self, tar, kind):
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as packed:
            subprocess.run([kind, LEVELS[kind], "-c", tar], stdout=packed, check=True)
        self.diff_ids.append(digest_of(tar))
        return self.keep(packed.name, f"layer.v1.tar+{kind}", self.layers)

    def keep(self, path, kind, descriptors):
        digest = digest_of(path)
        descriptors.append({"mediaType": f"{MEDIA}{kind}", "digest": digest, "size": os.path.getsize(path)})
        shutil.move(path, self.blob(digest.partition(":")[2]))
        return self.blob(digest.partition(":")[2])

    def keep_json(self, value, kind):
        path = os.path.join(self.folder, "new")
        write_json(path, value)
        descriptors = []
        self.keep(path, kind, descriptors)
        return descriptors[0]

    def finish(self, config=None):
        """`config` says how containers run."""
        config = self.keep_json({"architecture": ARCHITECTURE, "os": "linux", "config": config or {},
                                 "history": [{"created_by": "bench"} for _ in self.layers],  # without, Podman finds no step of a build again
                                 "rootfs": {"type": "layers", "diff_ids": self.diff_ids}}, "config.v1+json")
        manifest = self.keep_json({"schemaVersion": 2, "mediaType": f"{MEDIA}manifest.v1+json", "config": config, "layers": self.layers},
                                  "manifest.v1+json")
        manifest["annotations"] = {"org.opencontainers.image.ref.name": "1"}
        write_json(os.path.join(self.folder, "index.json"), {"schemaVersion": 2, "manifests": [manifest]})
        write_json(os.path.join(self.folder, "oci-layout"), {"imageLayoutVersion": "1.0.0"})


def digest_of(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
