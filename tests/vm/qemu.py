"""Debian's kernel for virtual machines (linux-image-cloud-amd64, Linux 6.1) in qemu: all that berth needs, but emulated."""

import os
import socket
import subprocess

import kernel
import machine

FILE_SERVER = "/usr/lib/qemu/virtiofsd"
MEMORY = "3G"


def start_file_server(path, log):
    """Serves the host's files on the socket `path`, to one machine; ends with it. It says so every time; hence the log."""
    # The guest mounts them read-only; should it do otherwise, our files are safe all the same.
    read_only = ["unshare", "--mount", "sh", "-c", 'mount -o remount,bind,ro / && exec "$0" "$@"']
    options = "source=/,sandbox=chroot,log_level=err,cache=always"  # cache: nobody changes what a test run reads
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        return subprocess.Popen([*read_only, FILE_SERVER, f"--fd={listener.fileno()}", "-f", "-o", options],
                                stdin=subprocess.DEVNULL, stderr=log, pass_fds=[listener.fileno()],
                                preexec_fn=machine.end_with_parent)


class Qemu(machine.Machine):
    programs = {**machine.Machine.programs, "qemu-system-x86_64": "qemu-system-x86", FILE_SERVER: "qemu-system-common"}
    modules = ("virtio_pci", "virtio_blk", "virtiofs", "overlay")
    mount_files = "mount -t virtiofs -o ro host /host"
    output, disk = "/dev/ttyS1", "/dev/vda"
    patience = 5

    def kernel(self):
        return kernel.debian_kernel()

    def start(self, kernel, initrd, disk, folder):
        files = os.path.join(folder, "files")
        with open(os.path.join(folder, "file-server.log"), "wb") as log:
            server = start_file_server(files, log)
        command = [
            "qemu-system-x86_64",
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none",
            "-machine", "q35", "-accel", os.environ.get("BERTH_VM_ACCEL", "tcg"), "-cpu", "max", "-smp", "2", "-m", MEMORY,
            "-kernel", kernel.image, "-initrd", initrd, "-append", "console=ttyS0 panic=-1 mitigations=off",
            # The kernel's words go to a file, to be shown if the tests do not come to an end; theirs to us.
            "-serial", f"file:{os.path.join(folder, 'boot.log')}", "-serial", "stdio",
            # The file server writes into the guest's memory.
            "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on", "-numa", "node,memdev=memory",
            "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe",
            "-chardev", f"socket,id=files,path={files}", "-device", "vhost-user-fs-pci,chardev=files,tag=host",
        ]
        return [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 preexec_fn=machine.end_with_parent), server]
