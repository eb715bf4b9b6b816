"""The first root of the guest: just enough to see the host's files and to start tests/vm/guest on them."""

import os
import shlex
import stat

BUSYBOX = "/bin/busybox"

INIT = """#!/bin/busybox sh
export PATH=/bin
set -e
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
for module in {modules}; do insmod /modules/$module; done
{mount_files}
mount -t tmpfs -o mode=755 changes /changes
mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/host{root},upperdir=/changes/upper,workdir=/changes/work root /root
mkdir -p /root/lib/modules/{version}
mount --bind /host{modules_folder} /root/lib/modules/{version}
{prepare}
exec switch_root /root {command}
"""


def _entry(name, mode, data=b""):
    """One file in the format "newc" of cpio."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)


def write(path, kernel, machine, command):
    """Writes the archive to `path`; `command` becomes process 1 of the machine (machine.py) once it has its root."""
    modules = kernel.needed_by(*machine.modules)
    script = INIT.format(modules=" ".join(map(os.path.basename, modules)), modules_folder=shlex.quote(kernel.modules),
                         version=kernel.version, mount_files=machine.mount_files, root=shlex.quote(machine.root),
                         prepare="\n".join(machine.prepare), command=shlex.join(command))
    with open(path, "wb") as archive:
        for folder in ("bin", "dev", "host", "changes", "root", "modules"):
            archive.write(_entry(folder, stat.S_IFDIR | 0o755))
        for source, name in [(BUSYBOX, "bin/busybox"), *((m, f"modules/{os.path.basename(m)}") for m in modules)]:
            with open(source, "rb") as file:
                archive.write(_entry(name, stat.S_IFREG | 0o755, file.read()))
        archive.write(_entry("init", stat.S_IFREG | 0o755, script.encode()))
        archive.write(_entry("TRAILER!!!", 0))
