"""The builders that are compared. Each gets the base image once, builds a context and gives the result as a docker-archive."""

import os
import shutil
import subprocess
import tempfile

IMAGE = "compared:1"
BASE = "docker.io/library/busybox:1"


def call(command, **options):
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}")


class Berth:
    name = "berth"

    def __init__(self, program):
        self.home = tempfile.mkdtemp(prefix="berth-compare-")
        self.program = program
        self.environment = {**os.environ, "BERTH_ROOT": self.home + "/root", "BERTH_RUN": self.home + "/run"}

    def call(self, *arguments):
        call([self.program, *arguments], env=self.environment)

    def take_base(self, tar):
        self.call("import", "--change", 'CMD ["sh"]', "--change", "ENV PATH=/bin", tar, BASE)

    def save(self, image, archive):
        self.call("save", "-o", archive, image)

    def build(self, folder, arguments, archive):
        self.call("image", "build", "-t", IMAGE, *arguments, folder)
        self.save(IMAGE, archive)

    def stop(self):
        shutil.rmtree(self.home, ignore_errors=True)


class Buildah:
    """With storage of its own, steps in a chroot and files that are copied: nothing of the host takes part."""

    name = "buildah"

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="berth-compare-")
        self.words = ["buildah", "--root", self.home + "/root", "--runroot", self.home + "/run", "--storage-driver", "vfs"]

    def take_base(self, archive):
        call([*self.words, "pull", "-q", f"docker-archive:{archive}"])

    def build(self, folder, arguments, archive):
        call([*self.words, "bud", "--isolation", "chroot", "--format", "docker", "--pull=false", "-t", IMAGE, *arguments, folder])
        if os.path.exists(archive):
            os.unlink(archive)
        call([*self.words, "push", "-q", IMAGE, f"docker-archive:{archive}"])

    def stop(self):
        subprocess.run([*self.words, "rmi", "-a", "-f"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.home, ignore_errors=True)


class Docker:
    """`words` is how docker is called, `root` where its file system begins: it may live in a chroot."""

    name = "docker"

    def __init__(self, words, root):
        self.words, self.root = words, root.rstrip("/")
        self.home = tempfile.mkdtemp(prefix="berth-compare-", dir=self.root + "/var/tmp")

    def inside(self, path):
        return path[len(self.root):]

    def take_base(self, archive):
        place = shutil.copy(archive, self.home)
        call([*self.words, "load", "-q", "-i", self.inside(place)])

    def build(self, folder, arguments, archive):
        place = self.home + "/context"
        call(["cp", "-a", folder, place])
        try:
            call([*self.words, "build", "--no-cache", "-t", IMAGE, *arguments, self.inside(place)])
            saved = self.home + "/saved.tar"
            call([*self.words, "save", "-o", self.inside(saved), IMAGE])
            shutil.move(saved, archive)
        finally:
            shutil.rmtree(place)

    def stop(self):
        call([*self.words, "rmi", "-f", IMAGE])
        shutil.rmtree(self.home, ignore_errors=True)
