"""What tests of attacks stand on: a program that a container would use, and images made to do harm."""

import functools
import io
import os
import subprocess
import tarfile
import tempfile

import busybox
from harness import Case

HERE = os.path.dirname(os.path.abspath(__file__))


@functools.cache
def compiled(source, *flags):
    """A C program of this folder, static, made once."""
    program = os.path.join(tempfile.mkdtemp(prefix="berth-attack-"), "attack")
    subprocess.run(["cc", "-O1", "-static", "-Wall", "-Werror", *flags, "-o", program, os.path.join(HERE, source)], check=True)
    return program


def attacker():
    return compiled("attack.c")


def loader():
    return compiled("attack_loader.c", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie")


def folder(name, mode=0o755):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    return entry, b""


def link(name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry, b""


def file(name, content, mode=0o644, uid=0, gid=0):
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid, entry.size = mode, uid, gid, len(content)
    return entry, content


def node(name, kind):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, 0o666
    return entry, b""


class Attacks(Case):
    def image(self, name, *entries, changes=()):
        """busybox with other entries on top, each given as (TarInfo, content)."""
        buffer = io.BytesIO()
        busybox.write_tar(buffer)
        buffer.seek(0)
        with tarfile.open(fileobj=buffer, mode="r") as old:
            kept = [(entry, old.extractfile(entry).read() if entry.isreg() else b"") for entry in old
                    if entry.name not in {new.name for new, _ in entries}]
        path = os.path.join(self.berth.home, f"{name}.tar")
        with tarfile.open(path, mode="w") as tar:
            for entry, content in (*kept, *entries):
                tar.addfile(entry, io.BytesIO(content))
        arguments = [word for change in changes for word in ("--change", change)]
        self.berth("import", "--change", "ENV PATH=/bin", *arguments, path, f"{name}:1", check=0)
        os.unlink(path)
        return f"{name}:1"

    def armed(self, extra="", image="busybox:1", command='[sleep, "100000"]'):
        """A service `it` with the attacker at /attack."""
        stack = self.stack(f"""
            services:
              it:
                image: {image}
                command: {command}
                environment: {{BERTH_TEST_MARK: %MARK%-it}}
                stop_grace_period: 0s
                volumes: ["{attacker()}:/attack:ro"]
                {extra}
            """)
        stack.up()
        return stack
