"""A Debian of its own in qemu, with systemd as process 1: berth beside a service manager that owns the control groups."""

import os
import shlex
import subprocess

import qemu

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = """[Unit]
Description=tests of berth
[Service]
Type=exec
ExecStart={command}
[Install]
WantedBy=multi-user.target
"""


def image_cache():
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("BERTH_IMAGE_CACHE") or os.path.join(caches, "berth-images")


class Debian(qemu.Qemu):
    def __init__(self, berth):
        made = subprocess.run([os.path.join(REPO, "scripts", "vm-root")], stdout=subprocess.PIPE, text=True, check=True)
        self.root = made.stdout.strip()
        self.shown = [path for path in (REPO, os.path.dirname(berth), image_cache()) if os.path.isdir(path)]

    def first_process(self, command):
        # Dollars and per cents mean something in unit files.
        unit = UNIT.format(command=shlex.join(command).replace("%", "%%").replace("$", "$$"))
        place = "/root/etc/systemd/system"
        self.prepare = [
            *(f"mkdir -p /root{path}; mount --bind /host{path} /root{path}" for path in map(shlex.quote, self.shown)),
            f"printf %s {shlex.quote(unit)} >{place}/tests.service",
            f"mkdir -p {place}/multi-user.target.wants",
            f"ln -s ../tests.service {place}/multi-user.target.wants/",
        ]
        return ["/lib/systemd/systemd"]
