"""The image most tests use: Debian's static busybox with a link per applet. Made in a moment, no network needed."""

import functools
import io
import os
import subprocess
import tarfile
import tempfile

BUSYBOX = "/bin/busybox"
FOLDERS = ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "var", "var/www", "run", "home")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "var/www/index.html": "it works\n",
}


def _entry(name, kind, mode):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def write_tar(file):
    with tarfile.open(fileobj=file, mode="w") as tar:
        for folder in FOLDERS:
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755))
        for name, text in FILES.items():
            entry = _entry(name, tarfile.REGTYPE, 0o644)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
        with open(os.path.realpath(BUSYBOX), "rb") as program:
            entry = _entry("bin/busybox", tarfile.REGTYPE, 0o755)
            entry.size = os.fstat(program.fileno()).st_size
            tar.addfile(entry, program)
        applets = subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        for applet in applets:
            if applet != "busybox":
                link = _entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777)
                link.linkname = "busybox"
                tar.addfile(link)


@functools.cache
def image_tar():
    """The path of the tar; made once per run of the tests and removed with it."""
    with tempfile.NamedTemporaryFile(prefix="berth-busybox-", suffix=".tar", delete=False) as file:
        write_tar(file)
    return file.name
