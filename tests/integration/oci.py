"""Bundles for OCI runtimes: a busybox as root file system and a config.json to change."""

import copy
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

import busybox
import host
from harness import BERTH, Outcome, wait_until

BERTH_OCI = os.path.join(os.path.dirname(BERTH), "berth-oci")
RUNC = shutil.which("runc", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_CHOWN"]

CONFIG = {
    "ociVersion": "1.0.2",
    "process": {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["true"],
        "env": ["PATH=/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: CAPABILITIES for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1000}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "inside",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware"],
        "readonlyPaths": ["/proc/sys", "/proc/irq"],
    },
}


class Bundle:
    """A folder with config.json and rootfs. `config` is written before each create and run."""

    def __init__(self, folder):
        self.folder = folder
        self.rootfs = os.path.join(folder, "rootfs")
        os.makedirs(self.rootfs)
        with tarfile.open(busybox.image_tar()) as tar:
            tar.extractall(self.rootfs)
        self.config = copy.deepcopy(CONFIG)

    def script(self, text):
        self.config["process"]["args"] = ["sh", "-c", text]

    def write(self):
        """At once: a command of before may be reading it."""
        path = os.path.join(self.folder, "config.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        os.replace(path + ".new", path)

    def state(self, name):
        return os.path.join(self.folder, "state-" + name)


class Runtime:
    """berth-oci, or another with its command line. Call it like the command."""

    def __init__(self, program, bundle):
        self.program, self.bundle = program, bundle
        self.root = bundle.state(os.path.basename(program))

    def __call__(self, *arguments, check=None, stdin=subprocess.DEVNULL, timeout=30, flags=(), pass_fds=()):
        command = [self.program, "--root", self.root, *flags, *arguments]
        self.bundle.write()
        # Through files: a container inherits these, and a pipe would not end before it does. Each call has its own, or what a
        # container of an earlier one says would be among the words of this one.
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        with out, err:
            done = subprocess.run(command, cwd=self.bundle.folder, stdin=stdin, stdout=out, stderr=err, check=False,
                                  timeout=timeout * host.PATIENCE, pass_fds=pass_fds)
            texts = [(file.seek(0), file.read().decode("utf-8", "replace"))[1] for file in (out, err)]
        outcome = Outcome(command, done.returncode, *texts)
        if check is not None and outcome.code != check:
            raise AssertionError(f"expected exit {check}\n{outcome}")
        return outcome

    def left(self):
        """What its state directory holds, but for compiled seccomp profiles."""
        return [name for name in os.listdir(self.root) if name != "@seccomp"] if os.path.isdir(self.root) else []

    def state(self, name):
        return json.loads(self("state", name, check=0).out)

    def status(self, name):
        return self.state(name)["status"]

    def wait_status(self, name, status):
        wait_until(f"{name} is {status}", lambda: self.status(name) == status)
