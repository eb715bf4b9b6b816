"""The kernels: Debian's for virtual machines, unpacked into a cache (nothing is installed), and its user-mode-linux."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

META_PACKAGE = "linux-image-cloud-amd64"
UML_MODULES = "/usr/lib/uml/modules"


@dataclass
class Kernel:
    version: str
    image: str
    modules: str  # the folder with modules.dep

    def needed_by(self, *names):
        """Paths of these modules and of all that they stand on, in the order in which they can be loaded."""
        order = []

        def add(path):
            for other in reversed(dependencies[path]):
                add(other)
            if path not in order:
                order.append(path)

        with open(os.path.join(self.modules, "modules.dep"), encoding="utf-8") as file:
            dependencies = {path: rest.split() for path, rest in (line.strip().split(":") for line in file)}
        by_name = {os.path.basename(path).partition(".")[0]: path for path in dependencies}
        for name in names:
            add(by_name[name])
        return [os.path.join(self.modules, path) for path in order]


def cache_folder():
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("BERTH_VM_CACHE") or os.path.join(caches, "berth-vm")


def _cached(cache):
    for image in sorted(glob.glob(os.path.join(cache, "*", "boot", "vmlinuz-*"))):
        version = os.path.basename(image).partition("-")[2]
        modules = os.path.join(cache, version, "lib", "modules", version)
        if os.path.exists(os.path.join(modules, "modules.dep")):
            return Kernel(version, image, modules)
    return None


def _run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"tests/vm/run: needs the Debian package {META_PACKAGE}, but {' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def _fetch(cache):
    """Complete or not there at all: it is made beside its place."""
    os.makedirs(cache, exist_ok=True)
    package = re.search(r"Depends: (linux-image-\S+)", _run("apt-cache", "depends", META_PACKAGE))
    if not package:
        sys.exit(f"tests/vm/run: needs the Debian package {META_PACKAGE}, which apt does not know; try: apt-get update")
    version = package.group(1).removeprefix("linux-image-")
    with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as work:
        os.chmod(work, 0o755)
        _run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package.group(1), cwd=work)
        (archive,) = glob.glob(os.path.join(work, "*.deb"))
        _run("dpkg-deb", "-x", archive, os.path.join(work, "root"))
        _run("depmod", "-b", os.path.join(work, "root"), version)
        place = os.path.join(cache, version)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(os.path.join(work, "root"), place)


def debian_kernel():
    """From the cache, or from Debian's mirror. Exits with the reason where there is none."""
    cache = cache_folder()
    if not _cached(cache):
        _fetch(cache)
    return _cached(cache)


def uml_kernel():
    """The one that is installed."""
    (version,) = os.listdir(UML_MODULES)
    return Kernel(version, shutil.which("linux.uml"), os.path.join(UML_MODULES, version))
