"""Debian's user-mode-linux (Linux 6.1): a kernel that is a program of ours, so it boots in two seconds and is ended like a
power cut. It has one processor, no nftables for IP and no cpuset controller."""

import os
import subprocess

import kernel
import machine

MEMORY = "2G"


class UserModeLinux(machine.Machine):
    programs = {**machine.Machine.programs, "linux.uml": "user-mode-linux"}
    mount_files = "mount -t hostfs -o ro,/ none /host"
    output, disk = "/dev/ttyS1", "/dev/ubda"
    patience = 3

    def kernel(self):
        return kernel.uml_kernel()

    def start(self, kernel, initrd, disk, folder):
        # It is several processes; those of a pid namespace end together.
        command = [
            "unshare", "--pid", "--fork", "--kill-child", kernel.image, f"mem={MEMORY}", f"initrd={initrd}", f"ubd0={disk}",
            "con=null", "con0=null,fd:2", "ssl=null", "ssl1=null,fd:1", "panic=-1",
        ]
        with open(os.path.join(folder, "boot.log"), "wb") as log:
            return [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                     preexec_fn=machine.end_with_parent)]
