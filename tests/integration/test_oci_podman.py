"""Debian's Podman, driving berth-oci through conmon: what a person does with it all day."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import busybox
import host
import oci
from harness import Outcome, wait_until
from terminal import Terminal

PODMAN = shutil.which("podman")
IMAGE = "localhost/busybox"
# Podman asks for more than the hard limits of a machine without CAP_SYS_RESOURCE.
CREATE = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--network", "none"]
CONFIG = """
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime_supports_json = ["berth-oci"]
"""


@unittest.skipUnless(PODMAN, "podman is not installed")
class Podman(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = host.snapshot()
        cls.home = tempfile.mkdtemp(prefix="berth-it-podman-")
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        with open(os.path.join(cls.home, "containers.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG)
        cls.environment = {**os.environ, "CONTAINERS_CONF": file.name, "TMPDIR": cls.home}
        cls.podman("import", busybox.image_tar(), IMAGE, check=0)
        for folder in ("root", "run"):
            os.chmod(os.path.join(cls.home, folder), 0o711)
        os.chmod(cls.home, 0o711)

    @classmethod
    def tearDownClass(cls):
        cls.podman("rm", "--all", "--force", "--time", "0")
        for point, _ in host.cgroup_mounts():
            for name in ("libpod_parent/conmon", "libpod_parent"):
                if os.path.isdir(os.path.join(point, name)):
                    os.rmdir(os.path.join(point, name))
        # Podman does not hand flags for the runtime to the command that cleans up, so the state is where it always is.
        shutil.rmtree("/run/berth-oci/@seccomp", ignore_errors=True)
        if os.path.isdir("/run/berth-oci") and not os.listdir("/run/berth-oci"):
            os.rmdir("/run/berth-oci")
        left = host.differences_once_settled(cls.before)
        left = [line for line in left if not line.startswith(("file: /run/libpod", "file: /run/containers", "file: /run/lock"))]
        if left:
            raise AssertionError("left behind on the host:\n  " + "\n  ".join(left))

    @classmethod
    def command(cls, *arguments):
        return [PODMAN, "--root", f"{cls.home}/root", "--runroot", f"{cls.home}/run", "--tmpdir", f"{cls.home}/tmp",
                "--storage-driver", "vfs", "--runtime", oci.BERTH_OCI, *arguments]

    @classmethod
    def podman(cls, *arguments, check=None):
        command = cls.command(*arguments)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(command, env=cls.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False,
                                  timeout=60 * host.PATIENCE)
            texts = [(file.seek(0), file.read().decode("utf-8", "replace"))[1] for file in (out, err)]
        outcome = Outcome(command, done.returncode, *texts)
        if check is not None and outcome.code != check:
            raise AssertionError(f"expected exit {check}\n{outcome}")
        return outcome

    def run_container(self, *words, flags=(), check=0):
        return self.podman("run", "--rm", *CREATE, *flags, IMAGE, *words, check=check)

    def start(self, name, *words, flags=()):
        self.podman("run", "--detach", "--name", name, *CREATE, *flags, IMAGE, *words, check=0)
        self.addCleanup(self.podman, "rm", "--force", "--time", "0", name)

    def inspect(self, name):
        return json.loads(self.podman("inspect", name, check=0).out)[0]

    def test_a_command_runs_and_its_exit_code_comes_back(self):
        self.assertEqual(self.run_container("echo", "hello").out, "hello\n")
        self.run_container("sh", "-c", "exit 9", check=9)
        self.run_container("sh", "-c", "sh -c 'kill -9 $$'; exit $?", check=137)

    def test_what_cannot_be_run_gives_dockers_codes(self):
        self.assertIn("not found", self.run_container("nosuch", check=127).err)
        self.assertIn("ermission denied", self.run_container("/etc/passwd", check=126).err)
        self.run_container("true", flags=["--mount", "type=bind,source=/nonexistent,destination=/x"], check=125)

    def test_an_interactive_shell_has_a_terminal_that_follows_the_window(self):
        command = self.command("run", "--interactive", "--tty", "--rm", *CREATE, IMAGE, "sh")
        with Terminal(command, self.home, self.environment) as terminal:
            terminal.wait_for("/ # ", seconds=30)
            terminal.type("stty size; test -c /dev/console && echo conso''le\n")
            terminal.wait_for("40 120\\s+console")
            terminal.resize(33, 99)
            terminal.type("sleep 0.5; stty size\n")
            terminal.wait_for("33 99")
            terminal.type("exit 4\n")
            self.assertEqual(terminal.wait_exit(), 4)

    def test_a_container_is_entered_paused_changed_and_stopped(self):
        self.start("it", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done", flags=["--memory", "32m"])
        self.assertEqual(self.podman("exec", "--env", "A=b", "--user", "5:6", "it", "sh", "-c", "echo $A; id -u", check=0).out, "b\n5\n")
        self.podman("exec", "it", "sh", "-c", "exit 5", check=5)
        self.podman("exec", "it", "nosuch", check=127)
        self.assertIn("sleep", self.podman("top", "it", check=0).out)
        self.podman("pause", "it", check=0)
        self.assertEqual(self.inspect("it")["State"]["Status"], "paused")
        self.podman("unpause", "it", check=0)
        self.podman("update", "--memory", "64m", "it", check=0)
        pid = self.inspect("it")["State"]["Pid"]
        self.assertEqual(host.read(host.cgroup_file(pid, "memory", "memory.limit_in_bytes", "memory.max")).strip(), str(64 << 20))
        self.assertIn("it", self.podman("stats", "--no-stream", "it", check=0).out)
        self.podman("stop", "--time", "10", "it", check=0)
        self.assertEqual(self.inspect("it")["State"]["ExitCode"], 3)
        self.podman("start", "it", check=0)
        self.podman("kill", "--signal", "KILL", "it", check=0)
        self.assertEqual(self.podman("wait", "it", check=0).out, "137\n")

    def test_exec_on_a_terminal(self):
        self.start("it", "sleep", "1000")
        with Terminal(self.command("exec", "--interactive", "--tty", "it", "sh"), self.home, self.environment) as terminal:
            terminal.wait_for("/ # ", seconds=30)
            terminal.type("tty; exit 6\n")
            terminal.wait_for("/dev/pts/0")
            self.assertEqual(terminal.wait_exit(), 6)

    def test_a_health_check_runs_inside(self):
        self.start("it", "sleep", "1000", flags=["--health-cmd", "test -e /ok", "--health-interval", "disable", "--health-retries", "1"])
        self.podman("healthcheck", "run", "it", check=1)
        self.podman("exec", "it", "touch", "/ok", check=0)
        self.podman("healthcheck", "run", "it", check=0)

    def test_output_goes_to_the_log(self):
        self.start("it", "sh", "-c", "echo out; echo err >&2")
        wait_until("it has ended", lambda: self.inspect("it")["State"]["Status"] == "exited")
        logs = self.podman("logs", "it", check=0)
        self.assertEqual((logs.out, logs.err), ("out\n", "err\n"))

    def test_file_systems_are_as_they_were_asked_for(self):
        out = self.run_container("sh", "-c", "touch /x /mnt/y; echo a > /tmp/ok && cat /tmp/ok; cat /etc/group; grep -E ' /(small|mnt) ' /proc/mounts",
                                 flags=["--read-only", "--tmpfs", "/small:size=1m", "--tmpfs", "/etc", "--volume", f"{self.home}:/mnt:ro"])
        self.assertIn("a\nroot:x:0:\n", out.out)
        self.assertRegex(out.out, r"/small tmpfs rw,nosuid,nodev,relatime,size=1024k")
        self.assertRegex(out.out, r"/mnt \S+ ro,")
        self.assertEqual(len(re.findall("Read-only file system", out.err)), 2)

    def test_privileges_are_those_of_the_flags(self):
        out = self.run_container("grep", "-E", "CapBnd|NoNewPrivs|Seccomp:", "/proc/self/status",
                                 flags=["--cap-drop", "ALL", "--cap-add", "KILL", "--security-opt", "no-new-privileges"]).out
        self.assertEqual(out.split(), ["CapBnd:", "0000000000000020", "NoNewPrivs:", "1", "Seccomp:", "2"])
        out = self.run_container("sh", "-c", "grep Seccomp: /proc/self/status; ls /sys/fs/cgroup | head -1; mount -t tmpfs x /tmp && echo mounted",
                                 flags=["--privileged"]).out
        self.assertRegex(out, "Seccomp:\t0\n(.+\n)?mounted\n")

    def test_ids_are_mapped(self):
        out = self.run_container("sh", "-c", "id -u; cat /proc/self/uid_map; touch /x && stat -c %u /x",
                                 flags=["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"]).out
        self.assertEqual(out.split(), ["0", "0", "100000", "65536", "0"])

    def test_the_hosts_namespaces_can_be_shared_and_others_joined(self):
        self.start("it", "sleep", "1000")
        out = self.run_container("sh", "-c", "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc",
                                 flags=["--pid", "host", "--ipc", "container:it"]).out
        self.assertEqual(out.split(), [os.readlink("/proc/self/ns/pid"), os.readlink(f"/proc/{self.inspect('it')['State']['Pid']}/ns/ipc")])

    def test_limits_devices_sysctls_and_names(self):
        out = self.run_container("sh", "-c", "stat -c %t:%T /dev/zero2; cat /proc/sys/net/ipv4/ip_forward; hostname; ulimit -n; df -k /dev/shm | tail -1",
                                 flags=["--device", "/dev/zero:/dev/zero2", "--sysctl", "net.ipv4.ip_forward=1", "--hostname", "foo",
                                        "--shm-size", "1m", "--cpus", "0.5", "--pids-limit", "20"]).out
        self.assertEqual(out.split()[:4], ["1:5", "1", "foo", "1024"])
        self.assertIn("1024", out.split()[5])


if __name__ == "__main__":
    unittest.main()
