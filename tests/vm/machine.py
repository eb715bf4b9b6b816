"""What the virtual machines have in common: a kernel, a first root (initramfs.py), the host's files, and a disk."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

import initramfs

GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest")
DISK = "12G"  # at most; what is not written takes no place


def end_with_parent():
    """A test run that is killed must not leave its machine behind."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def make_disk(path):
    """For berth's state, on a file system such as users have: tmpfs lacks attributes, and overlay cannot lie on overlay."""
    subprocess.run(["mkfs.ext4", "-q", path, DISK], stdout=subprocess.DEVNULL, check=True)


class Machine:
    """The other machines say in these attributes how they differ, and start their processes in start()."""

    programs = {"depmod": "kmod", "mkfs.ext4": "e2fsprogs", initramfs.BUSYBOX: "busybox-static"}  # program: Debian package
    modules = ("overlay",)  # needed to see the host's files
    mount_files = ""        # the command that shows the host's files at /host
    root = "/"              # the folder of the host that is the guest's root
    prepare = ()            # commands that change it, before it is started
    output = ""             # the terminal of the guest whose other end is the standard output of the machine's process
    disk = ""               # the guest's name of the disk
    patience = 1            # how much slower than this machine

    def kernel(self):
        raise NotImplementedError

    def start(self, kernel, initrd, disk, folder):
        """Starts the machine; its processes, the one that speaks first. What else it has to say goes to FOLDER/*.log."""
        raise NotImplementedError

    def check_programs(self):
        missing = sorted({package for program, package in self.programs.items() if not shutil.which(program)})
        if missing:
            sys.exit(f"tests/vm: packages are missing; try: apt-get install {' '.join(missing)}")

    def first_process(self, command):
        """The command line of process 1, which is to run `command`."""
        return command

    def boot(self, folder, disk, command):
        """Starts it on the disk image `disk`, with `command` as what it is there for."""
        kernel = self.kernel()
        initrd = os.path.join(folder, "initrd")
        initramfs.write(initrd, kernel, self, self.first_process([GUEST, self.output, self.disk, str(self.patience), *command]))
        return self.start(kernel, initrd, disk, folder)
