"""What the kernel does not have: a fallback that works, or a message that names what is missing, and nothing left behind.

Another kernel is not needed for it: mask.c and mask_argument.c answer system calls as one without them would, and a mount
namespace of the command's own hides control groups.
"""

import os
import subprocess

import harness
import host
from attacks import compiled
from harness import Berth, Case

WORKS = ["copy_file_range", "keyctl", "pidfd_get_info", "pidfd_getfd", "renameat2", "statx"]
FAILS = {
    "clone3": "clone3",
    "close_range": "execute",
    "fsconfig": "file system",
    "fsmount": "file system",
    "fsopen": "file system",
    "memfd_create": "memfd_create",
    "mount_setattr": "mount",
    "move_mount": "move_mount",
    "open_tree": "mount",
    "openat2": "open",
    "pidfd_open": "pidfd_open",
    "pidfd_send_signal": "signal",
    "seccomp": "seccomp",
}
# Without the controller of v1 it is a program that keeps a container from devices.
if host.has_controller("devices"):
    WORKS.append("bpf")
else:
    FAILS["bpf"] = "device program"
COMPOSE = """
    services:
      it:
        image: busybox:1
        command: [sleep, '100000']
        init: true
        stop_grace_period: 0s
        volumes: ["./conf:/conf:ro", "data:/var/www"]
        tmpfs: [/scratch]
    volumes: {data: }
    """


class Masked(Case):
    def under(self, *wrapper):
        """A root of its own whose processes all run behind the wrapper."""
        berth = Berth()
        berth.import_busybox()
        self.addCleanup(berth.discard)
        stack = harness.Stack(berth, COMPOSE, "masked")
        os.mkdir(os.path.join(stack.folder, "conf"))

        def call(*words):
            return subprocess.run([*wrapper, harness.BERTH, *words], cwd=stack.folder, env=berth.environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False, timeout=30 * host.PATIENCE)

        self.addCleanup(lambda: stack("down", "-v", "-t", "0"))
        return call

    def mask(self, call):
        return self.under(compiled("mask.c"), f"{call}={'ENOTTY' if call == 'pidfd_get_info' else 'ENOSYS'}", "--")

    def test_what_is_optional_has_a_fallback(self):
        for name in WORKS:
            with self.subTest(name):
                berth = self.mask(name)
                up = berth("up", "-d")
                self.assertEqual(0, up.returncode, up.stderr)
                done = berth("exec", "-T", "it", "cat", "/var/www/index.html")
                self.assertEqual("it works\n", done.stdout, done.stderr)
                self.assertEqual(7, berth("run", "--rm", "it", "sh", "-c", "exit 7").returncode)
                down = berth("down", "-v")
                self.assertEqual(0, down.returncode, down.stderr)

    def test_what_is_needed_is_named(self):
        for name, word in FAILS.items():
            with self.subTest(name):
                up = self.mask(name)("up", "-d")
                self.assertNotEqual(0, up.returncode)
                self.assertIn(word, up.stderr)
                self.assertIn("ENOSYS", up.stderr)
                self.assertIn("no such system call", up.stderr)

    def test_a_container_that_cannot_be_born_in_its_group_is_told_of(self):
        up = self.under(compiled("mask_argument.c"), "CLONE_INTO_CGROUP", "--")("up", "-d")
        self.assertNotEqual(0, up.returncode)
        self.assertIn("CLONE_INTO_CGROUP, which Linux has since 5.7", up.stderr)

    def test_without_a_file_that_kills_a_group_nothing_of_it_survives(self):
        berth = self.under(compiled("mask_argument.c"), "cgroup.kill", "--")
        path = self.file_with("pid: host")  # so that what exec started outlives the first process
        seconds = str(10**9 + os.getpid())
        alive = lambda: [pid for pid in host.pids() if host.read(f"/proc/{pid}/cmdline") == f"sleep\0{seconds}\0"]
        for words in (["up", "-d"], ["exec", "-d", "it", "sleep", seconds]):
            done = berth("-f", path, *words)
            self.assertEqual(0, done.returncode, done.stderr)
        harness.wait_until("it runs", alive)
        down = berth("-f", path, "down")
        self.assertEqual(0, down.returncode, down.stderr)
        self.assertEqual([], alive())

    def test_without_any_control_group_mounted_the_unified_tree_is_used(self):
        berth = self.under("unshare", "--mount", "sh", "-c", 'umount -lR /sys/fs/cgroup && exec "$@"', "sh")
        up = berth("up", "-d")
        self.assertEqual(0, up.returncode, up.stderr)
        self.assertEqual("it works\n", berth("exec", "-T", "it", "cat", "/var/www/index.html").stdout)
        self.assertEqual(0, berth("down", "-v").returncode)

    def test_a_limit_whose_controller_is_not_there_is_named(self):
        """Where a tree without controllers is all there is: a hybrid host's, or that of a container."""
        if not any(controllers for _, controllers in host.cgroup_mounts()):
            self.skipTest("the unified tree of this machine has all controllers")
        berth = self.under("unshare", "--mount", "sh", "-c", 'umount -lR /sys/fs/cgroup && exec "$@"', "sh")
        for limit in ("pids_limit: 5", "mem_limit: 32m", "cpus: 0.5"):
            with self.subTest(limit):
                done = berth("-f", self.file_with(limit), "up", "-d")
                self.assertNotEqual(0, done.returncode)
                self.assertRegex(done.stderr, r'service "it": control group .*(pids|memory|cpu)\.max')
                self.assertIn("of the controllers, there are here: ", done.stderr)

    def file_with(self, line):
        path = os.path.join(self.berth.home, "limited.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"services: {{it: {{image: 'busybox:1', command: [sleep, '1000'], stop_grace_period: 0s, {line}}}}}\n")
        return path
