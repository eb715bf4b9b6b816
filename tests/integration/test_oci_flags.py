"""Flags of berth-oci, each by what it changes."""

import json
import os
import re
import subprocess
import unittest
import uuid

import host
import oci
from harness import wait_until
from test_oci import STATUS, BundleCase

NONSENSE = "no-such-thing"


class Making(BundleCase):
    """What create and run have in common is asked of both. What run has made has gone when it returns, unless it is kept."""

    def comes_up_without_pivot_root(self, *words):
        """As where there is none, which is so on an initial root file system."""
        command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=pivot_root", "-e", "inject=pivot_root:error=EINVAL",
                   oci.BERTH_OCI, "--root", self.oci.root, *words, "it"]
        self.bundle.write()
        # It traces the container, too, and ends no sooner than that.
        with subprocess.Popen(command, cwd=self.bundle.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as traced:
            up = lambda: any(f'"status":"{phase}"' in re.sub(r"\s", "", self.oci("state", "it").out) for phase in ("created", "running"))
            wait_until("it is up or has failed", lambda: traced.poll() is not None or up(), 30)
            came = traced.poll() is None
            self.oci("delete", "--force", "it", check=0)
        return came

    def test_no_pivot_is_for_where_there_is_no_pivot_root(self):
        self.bundle.script("sleep 1000")
        for command in ("create", "run"):
            self.assertFalse(self.comes_up_without_pivot_root(command), command)
            self.assertTrue(self.comes_up_without_pivot_root(command, "--no-pivot"), command)

    @unittest.skipUnless(os.path.exists("/proc/keys"), "this kernel keeps no keys")
    def test_no_new_keyring_leaves_the_callers(self):
        self.bundle.script("sleep 1000")
        for command in (["create"], ["run", "-d"]):
            for flags, has_one in (([], True), (["--no-new-keyring"], False)):
                name = uuid.uuid4().hex  # keys are not in namespaces
                self.oci(*command, *flags, name, check=0)
                self.assertEqual(has_one, f"_ses.{name}" in host.read("/proc/keys"), (command, flags))
                self.oci("delete", "--force", name, check=0)

    def test_descriptors_are_handed_on_only_if_asked(self):
        self.bundle.script("read name <&3; echo $name")
        for command in ("create", "run"):
            for flags, heard in (([], ""), (["--preserve-fds", "1"], host.read("/etc/hostname").strip())):
                descriptor = os.open("/etc/hostname", os.O_RDONLY)
                said = self.path("said")
                self.bundle.write()
                # The shell's own, so that whatever is between us and the program hands it on.
                script = f"exec 3<&{descriptor}; exec {oci.BERTH_OCI} --root {self.oci.root} {' '.join([command, *flags])} it"
                with open(said, "w", encoding="utf-8") as out:
                    subprocess.run(["sh", "-c", script], cwd=self.bundle.folder, pass_fds=(descriptor,), stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.DEVNULL, check=False)
                os.close(descriptor)
                if command == "create":
                    self.oci("start", "it", check=0)
                    self.oci.wait_status("it", "stopped")
                self.assertEqual(heard, host.read(said).strip(), (command, flags))
                self.oci("delete", "--force", "it", check=0)

    def test_run_goes_on_by_itself_or_stays_until_it_has_ended(self):
        self.bundle.script("sleep 1000")
        self.bundle.write()
        elsewhere = self.bundle.folder
        self.bundle.folder = os.path.dirname(elsewhere)  # where the command runs
        try:
            self.oci("run", "--detach", "--pid-file", os.path.join(elsewhere, "pid"), "--bundle", elsewhere, "it", check=0)
        finally:
            self.bundle.folder = elsewhere
        state = self.oci.state("it")
        self.assertEqual(("running", self.bundle.folder), (state["status"], state["bundle"]))
        self.assertEqual(str(state["pid"]), host.read(self.path("pid")))
        self.oci("delete", "--force", "it", check=0)
        self.bundle.script("exit 3")
        self.oci("run", "it", check=3)
        self.oci("state", "it", check=1)
        self.oci("run", "--keep", "it", check=3)
        self.assertEqual("stopped", self.oci.status("it"))
        self.oci("delete", "it", check=0)

    def test_a_terminal_of_run_goes_over_the_socket(self):
        self.process["terminal"] = True
        self.bundle.script("tty")
        self.assertEqual("/dev/pts/0\r\n", self.read_terminal(self.receive_terminal("run", "-d", "it")))
        self.oci.wait_status("it", "stopped")

    def test_what_callers_of_runc_write_is_taken(self):
        self.bundle.script("echo said")
        self.assertEqual("said\n", self.oci("run", "--no-subreaper", "it", check=0, flags=("--criu", "/no/such/program")).out)


class Entering(BundleCase):
    def test_exec_gives_what_it_is_told(self):
        self.process["noNewPrivileges"] = False
        self.linger()
        status = lambda *flags: self.oci("exec", *flags, "it", "sh", "-c", STATUS, check=0).out
        self.assertRegex(status(), r"Groups:\t *\n")
        self.assertRegex(status("-g", "77", "--additional-gids", "78"), r"Groups:\t77 78 *\n")
        self.assertIn("NoNewPrivs:\t0\n", status())
        self.assertIn("NoNewPrivs:\t1\n", status("--no-new-privs"))
        caps = lambda *flags: int(status(*flags).split("CapEff:\t")[1].split()[0], 16)
        self.assertFalse(caps() & 1 << 13)
        self.assertTrue(caps("--cap", "CAP_NET_RAW") & 1 << 13)
        self.assertIn("Uid:\t5\t5", status("--user", "5:6"))

    def test_exec_hands_descriptors_on_only_if_asked(self):
        self.linger()
        descriptor = os.open("/etc/hostname", os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        for flags, heard in (("", ""), ("--preserve-fds 1", host.read("/etc/hostname"))):
            script = f"exec 3<&{descriptor}; exec {oci.BERTH_OCI} --root {self.oci.root} exec {flags} it sh -c 'cat <&3'"
            done = subprocess.run(["sh", "-c", script], pass_fds=(descriptor,), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, check=False)
            self.assertEqual(heard, done.stdout)

    def test_exec_in_the_background_has_a_terminal_and_says_its_number(self):
        self.linger()
        self.assertEqual("/dev/pts/0\r\n", self.read_terminal(self.receive_terminal("exec", "--detach", "--tty", "it", "tty")))
        self.oci("exec", "-d", "--pid-file", self.path("pid"), "it", "sleep", "1000", check=0)
        self.assertIn(int(host.read(self.path("pid"))), json.loads(self.oci("ps", "-f", "json", "it").out))

    def test_labels_that_the_kernel_does_not_know_are_refused_by_name(self):
        self.linger()
        for flag in ("--apparmor", "--process-label"):
            self.assertIn(NONSENSE, self.oci("exec", flag, NONSENSE, "it", "true", check=255).err)
        self.oci("exec", "it", "true", check=0)

    def test_exec_into_what_is_paused_is_refused_by_name(self):
        self.linger()
        self.assertIn("--ignore-paused is not supported", self.oci("exec", "--ignore-paused", "it", "true", check=255).err)


class Limits(BundleCase):
    """Each by its file in the control groups, or by the refusal of a kernel that has no such file."""

    def setUp(self):
        super().setUp()
        self.linger()
        self.pid = self.oci.state("it")["pid"]

    def group_file(self, controller, v1, v2):
        """Its path, or "" where the kernel has none."""
        try:
            path = host.cgroup_file(self.pid, controller, v1, v2)
        except AssertionError:
            return ""
        return path if os.path.exists(path) else ""

    def update(self, *flags, check=0):
        return self.oci("update", *flags, "it", check=check).err

    def check(self, controller, v1, v2, text):
        self.assertEqual(text, host.read(host.cgroup_file(self.pid, controller, v1, v2)).strip().replace("default ", ""))

    def hybrid(self):
        return any("cpu" in options for _, options in host.cgroup_mounts())

    def test_processor_time(self):
        self.update("--cpu-period", "50000", "--cpu-quota", "20000")
        if self.hybrid():
            self.check("cpu", "cpu.cfs_period_us", "", "50000")
            self.check("cpu", "cpu.cfs_quota_us", "", "20000")
        else:
            self.check("cpu", "", "cpu.max", "20000 50000")
        self.update("--cpu-share", "512")
        self.check("cpu", "cpu.shares", "cpu.weight", "512" if self.hybrid() else "59")

    def test_processor_time_that_is_saved_up_or_left_to_others(self):
        for flag, value, names in (("--cpu-burst", "7000", ("cpu.cfs_burst_us", "cpu.max.burst")), ("--cpu-idle", "1", ("cpu.idle",) * 2)):
            self.update("--cpu-quota", "20000")
            if self.group_file("cpu", *names):
                self.update(flag, value)
                self.check("cpu", *names, value)
            else:
                self.assertIn(names[not self.hybrid()], self.update(flag, value, check=1))

    def test_realtime(self):
        if not self.hybrid():
            for flag in ("--cpu-rt-period", "--cpu-rt-runtime"):
                self.assertIn("realtime", self.update(flag, "400000", check=1))
            return
        if not self.group_file("cpu", "cpu.rt_period_us", ""):
            self.skipTest("this kernel has no groups for realtime")
        self.update("--cpu-rt-period", "500000")
        self.check("cpu", "cpu.rt_period_us", "", "500000")
        self.update("--cpu-rt-runtime", "10000")  # which the groups above lend, by the period that it has
        self.check("cpu", "cpu.rt_runtime_us", "", "10000")
        self.update("--cpu-rt-period", "400000")
        self.check("cpu", "cpu.rt_period_us", "", "400000")

    def test_processors_and_memory_nodes(self):
        if not host.has_controller("cpuset"):
            self.skipTest("this kernel has no cpuset controller")
        self.assertIn(NONSENSE, self.update("--cpuset-cpus", NONSENSE, check=1))
        self.assertIn(NONSENSE, self.update("--cpuset-mems", NONSENSE, check=1))
        self.update("--cpuset-cpus", "0", "--cpuset-mems", "0")
        self.check("cpuset", "cpuset.cpus", "cpuset.cpus", "0")
        self.check("cpuset", "cpuset.mems", "cpuset.mems", "0")

    def test_memory(self):
        self.update("--memory", str(64 << 20), "--memory-swap", str(96 << 20), "--memory-reservation", str(32 << 20))
        self.check("memory", "memory.limit_in_bytes", "memory.max", str(64 << 20))
        self.check("memory", "memory.soft_limit_in_bytes", "memory.low", str(32 << 20))
        if self.group_file("memory", "memory.memsw.limit_in_bytes", "memory.swap.max"):
            self.check("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", str((96 if self.hybrid() else 32) << 20))
        self.assertIn("--memory-swap", self.update("--memory-swap", "lots", check=1))

    def test_processes_and_a_file_of_them_all(self):
        self.update("--pids-limit", "40")
        self.check("pids", "pids.max", "pids.max", "40")
        with open(self.path("limits.json"), "w", encoding="utf-8") as file:
            json.dump({"pids": {"limit": 50}}, file)
        self.update("--resources", self.path("limits.json"))
        self.check("pids", "pids.max", "pids.max", "50")

    def test_the_weight_of_block_io(self):
        names = (("blkio.bfq.weight", "io.bfq.weight"), ("blkio.weight", "io.weight"))
        weights = lambda: [host.read(path).strip() for path in (self.group_file("blkio", *one) for one in names) if path]
        if weights():
            self.update("--blkio-weight", "300")
            self.assertTrue({"300", "default 300", "default 2930"} & set(weights()), weights())
        else:
            self.assertIn("weighs", self.update("--blkio-weight", "300", check=1))
        self.assertIn("10..1000", self.update("--blkio-weight", "5", check=1))


class Telling(BundleCase):
    def test_debug_tells_of_what_is_passed_over(self):
        os.makedirs(os.path.join(self.oci.root, "torn"))
        with open(os.path.join(self.oci.root, "torn", "state.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.assertEqual("", self.oci("list", check=0).err)
        self.assertIn("torn", self.oci("list", check=0, flags=("--debug",)).err)
        self.oci("delete", "--force", "torn", check=0)

    def test_without_root_there_is_nothing(self):
        self.assertIn("--rootless=true is not supported", self.oci("list", check=1, flags=("--rootless", "true")).err)
        self.oci("list", check=0, flags=("--rootless", "auto"))
        self.assertIn("--rootless", self.oci("spec", "--rootless", check=1).err)
