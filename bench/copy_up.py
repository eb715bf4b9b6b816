"""An image with ten thousand files: loaded, and copied into a new volume."""

import os
import subprocess
import tempfile

import busybox
from trial import Trial

FILES = 10_000
NAME = "berth-bench-files:1"


def import_files(engine):
    with tempfile.TemporaryDirectory(prefix="berth-bench-files-") as folder, tempfile.TemporaryFile() as tar:
        subprocess.run(["tar", "-xf", busybox.image_tar(), "-C", folder], check=True)
        for n in range(FILES):
            os.makedirs(os.path.join(folder, "data", str(n % 100)), exist_ok=True)
            with open(os.path.join(folder, "data", str(n % 100), str(n)), "w", encoding="utf-8") as file:
                file.write(f"{n}\n" * 20)
        subprocess.run(["tar", "-C", folder, "-c", "."], stdout=tar, check=True)
        tar.seek(0)
        engine.import_image(tar, NAME)


class CopyUp(Trial):
    works = {"copy-up": "`up -d` of a service with a new volume on ten thousand files of its image"}
    FILE = (f"services:\n  s1:\n    image: {NAME}\n    command: [sleep, infinity]\n    init: true\n"
            "    volumes: ['data:/data']\nvolumes: {data: {}}\n")

    def __init__(self, engine):
        super().__init__(engine)
        import_files(engine)

    def once(self):
        took = self.engine.compose(self.FILE, "up", "-d")
        self.engine.compose(self.FILE, "down", "-v", "-t", "0")
        return {"copy-up": took}

    def finish(self):
        self.engine.forget(NAME)


class Load(Trial):
    """`image rm` in between is not counted."""

    works = {"load": "`image load` of an archive of that image"}

    def __init__(self, engine):
        super().__init__(engine)
        import_files(engine)
        self.archive = engine.save(NAME)

    def once(self):
        self.engine.forget(NAME)
        return {"load": self.engine.load(self.archive)}

    def finish(self):
        os.unlink(self.archive)
        self.engine.forget(NAME)
