"""When the machine runs out of something, or somebody takes something away."""

import os
import resource
import shutil
import subprocess
import unittest

import host
from harness import BERTH, Berth, Case, needs_nftables, wait_until

WEB = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
    """


class Descriptors(Case):
    def test_too_few_of_them_fail_the_up_and_leave_nothing(self):
        stack = self.stack(WEB)
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96))
        # The first command starts the helpers, which inherit its limit.
        done = subprocess.run([BERTH, "up", "-d", "--scale", "web=40"], cwd=stack.folder, env=self.berth.environment,
                              preexec_fn=limit, capture_output=True, text=True, timeout=60 * host.PATIENCE, check=False)
        self.assertEqual(1, done.returncode, done)
        self.assertIn("Too many open files (EMFILE)", done.stderr)
        self.assertIn("ulimit -n", done.stderr)
        self.assertEqual({}, stack.ps())
        wait_until("the helpers have left", lambda: not self.berth.helpers("berth-supervisor"))
        stack.up("--scale", "web=40")
        self.assertEqual(40, len(stack("ps", "-q", check=0).out.split()))


@unittest.skipUnless(host.has_controller("pids"), "this kernel does not count processes")
class Processes(Case):
    """A control group that may have only so many processes and threads."""

    def setUp(self):
        point = next(point for point, options in host.cgroup_mounts()
                     if "pids" in options or "pids" in host.read(f"{point}/cgroup.controllers").split())
        self.group = f"{point}/berth-test-processes"
        os.mkdir(self.group)
        self.addCleanup(wait_until, "the group is empty", self.removed)

    def removed(self):
        try:
            os.rmdir(self.group)
        except OSError:
            return False
        return True

    def limited(self, limit, stack, *arguments):
        """A command, and the helpers that it starts, of so many processes and threads at most."""
        with open(f"{self.group}/pids.max", "w", encoding="ascii") as file:
            file.write(str(limit))

        def enter():
            with open(f"{self.group}/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")

        return subprocess.run([BERTH, *arguments], cwd=stack.folder, env=self.berth.environment, preexec_fn=enter, capture_output=True,
                              text=True, timeout=60 * host.PATIENCE, check=False)

    def test_too_few_of_them_fail_the_up_and_leave_nothing(self):
        stack = self.stack(WEB)
        succeeded = False
        for limit in (1, 2, 3, 4, 5, 6, 8, 12, 80):
            with self.subTest(limit=limit):
                done = self.limited(limit, stack, "up", "-d", "--scale", "web=4")
                if done.returncode == 0:
                    succeeded = True
                    self.assertEqual(4, len(stack("ps", "-q", check=0).out.split()))
                else:
                    self.assertFalse(succeeded, "more did before")
                    self.assertEqual(1, done.returncode, done)
                    self.assertIn("Resource temporarily unavailable", done.stderr)
                    self.assertEqual({}, stack.ps())
                stack("down", "-t", "0", check=0)
                wait_until("the helpers have left", lambda: not self.berth.helpers("berth-supervisor") + self.berth.helpers("berth-keeper"))
        self.assertTrue(succeeded)


class Space(Case):
    """A root of its own on a small file system."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.small = Berth()
        os.mkdir(cls.small.root)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "berth-test", cls.small.root], check=True)
        cls.small.import_busybox()

    @classmethod
    def tearDownClass(cls):
        for name in ("berth-supervisor", "berth-keeper"):
            cls.small.kill_helpers(name)
        subprocess.run(["umount", "-l", cls.small.root], check=True)
        cls.small.discard()
        super().tearDownClass()

    def setUp(self):
        self.berth, self.usual = self.small, self.berth
        self.addCleanup(setattr, self, "berth", self.usual)

    def fill(self):
        path = os.path.join(self.small.root, "filler")
        with open(path, "wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        return path

    def test_a_full_disk_fails_the_up_by_name_and_leaves_nothing(self):
        stack = self.stack(WEB)
        filler = self.fill()
        done = stack("up", "-d")
        self.assertEqual(1, done.code, done)
        self.assertIn("No space left on device (ENOSPC)", done.err)
        self.assertEqual({}, stack.ps())
        os.unlink(filler)
        stack.up()
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_what_runs_goes_on_when_the_disk_is_full_and_can_be_taken_down(self):
        stack = self.stack(WEB.replace('[sleep, "100000"]', '[sh, -c, "while :; do echo words words words; sleep 0.01; done"]'))
        stack.up()
        pid = stack.pid("web")
        self.fill()
        stack.sh("web", "sleep 0.3")
        self.assertEqual(pid, stack.pid("web"))
        self.assertEqual("running", stack.ps()["web"]["State"])
        self.assertNotEqual(0, stack("exec", "-T", "web", "sh", "-c", "echo x > /file").code)
        stack("down", check=0)
        self.assertEqual({}, stack.ps())


class Behind(Case):
    """Things that others take away behind our back."""

    def test_processes_killed_by_somebody_else_are_an_end_like_any(self):
        stack = self.stack(WEB)
        stack.up()
        with open(f"{self.group_of(stack.pid('web'))}/cgroup.kill", "w", encoding="ascii") as file:
            file.write("1")
        wait_until("the end is known", lambda: stack.ps()["web"]["State"] == "exited")
        self.assertEqual(137, stack.ps()["web"]["ExitCode"])
        stack.up()
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_a_bridge_that_was_deleted_comes_back_with_the_next_up(self):
        stack = self.stack(WEB)
        stack.up()
        before = {name for name in os.listdir("/sys/class/net") if name.startswith("br-")}
        stack("down", check=0)
        gone = {name for name in os.listdir("/sys/class/net") if name.startswith("br-")}
        stack.up()
        (bridge,) = [name for name in os.listdir("/sys/class/net") if name.startswith("br-") and name not in gone]
        self.assertTrue(before)
        subprocess.run(["ip", "link", "del", bridge], check=True)
        self.berth.kill_helpers("berth-supervisor")
        wait_until("the bridge is back", lambda: bridge in os.listdir("/sys/class/net"))
        stack("down", check=0)

    def test_a_volume_whose_directory_was_deleted_is_an_error_that_names_it(self):
        stack = self.stack("""
            services:
              web: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s, volumes: ["data:/data"]}
            volumes: {data: }
            """)
        stack.up()
        stack("down", check=0)
        volume = os.path.join(self.berth.root, "volumes", f"{stack.name}_data", "_data")
        os.rmdir(volume)
        done = stack("up", "-d")
        if done.code == 0:
            self.assertTrue(os.path.isdir(volume))
        else:
            self.assertIn(f"{stack.name}_data", done.err)
        stack("down", "-v", check=0)

    def test_control_groups_that_are_frozen_do_not_stop_a_down(self):
        stack = self.stack(WEB)
        stack.up()
        pid = stack.pid("web")
        with open(self.group_of(pid) + "/cgroup.freeze", "w", encoding="ascii") as file:
            file.write("1")
        stack("down", "-t", "0", check=0)
        self.assertFalse(host.is_alive(pid))

    @staticmethod
    def group_of(pid):
        group = next(line.split(":", 2)[2] for line in host.read(f"/proc/{pid}/cgroup").splitlines() if line.startswith("0::"))
        mount = next(line.split()[4] for line in host.read("/proc/self/mountinfo").splitlines() if " - cgroup2 " in line)
        return mount + group

    def test_a_control_group_that_a_container_was_moved_out_of_and_that_was_removed(self):
        stack = self.stack(WEB)
        stack.up()
        pid = stack.pid("web")
        group = self.group_of(pid)
        for process in host.read(f"{group}/cgroup.procs").split():
            with open(os.path.dirname(os.path.dirname(group)) + "/cgroup.procs", "w", encoding="ascii") as file:
                file.write(process)
        os.rmdir(group)
        stack("down", "-t", "0", check=0)
        self.assertFalse(host.is_alive(pid))

    @needs_nftables
    def test_a_table_that_was_flushed_comes_back(self):
        stack = self.stack(WEB.replace("stop_grace", 'ports: ["18951:80"]\n        stop_grace'))
        stack.up()
        tables = lambda: [line.split()[-1] for line in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
                          .stdout.splitlines() if "inet berth_" in line]
        rules = lambda table: subprocess.run(["nft", "list", "table", "inet", table], capture_output=True, text=True, check=True).stdout
        (table,) = tables()
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        wait_until("it is back", lambda: table in tables() and "18951" in rules(table))

    def test_a_writable_layer_that_was_deleted_fails_the_start_by_name_or_is_made_anew(self):
        stack = self.stack(WEB)
        stack.up()
        identifier = stack("ps", "-q", check=0).out.strip()
        stack("stop", check=0)
        shutil.rmtree(f"{self.berth.root}/containers/{identifier}/upper")
        done = stack("start")
        self.assertTrue(done.code == 0 or "web" in done.err, done)
        stack("down", check=0)

    def test_layers_that_were_deleted_are_an_error_that_names_them(self):
        berth = Berth()
        self.addCleanup(berth.discard)
        berth.import_busybox()
        self.usual, type(self).berth = self.berth, berth
        self.addCleanup(setattr, type(self), "berth", self.usual)
        stack = self.stack(WEB)
        shutil.rmtree(f"{berth.root}/images/layers")
        done = stack("up", "-d")
        self.assertEqual(1, done.code)
        self.assertRegex(done.err, "busybox|layers")
        self.assertEqual({}, stack.ps())

    def test_a_bind_source_that_went_away_between_restarts_is_named_and_comes_back(self):
        source = os.path.join(self.berth.home, "source")
        os.mkdir(source)
        stack = self.stack(WEB.replace("stop_grace", "volumes: [{type: bind, source: %s, target: /data, bind: {create_host_path: false}}]\n        stop_grace" % source))
        stack.up()
        stack("stop", check=0)
        os.rmdir(source)
        done = stack("start")
        self.assertEqual(1, done.code, done)
        self.assertIn(source, done.err)
        os.mkdir(source)
        stack("start", check=0)
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_a_volume_that_became_a_file_is_named(self):
        stack = self.stack(WEB.replace("stop_grace", 'volumes: ["data:/data"]\n        stop_grace') + """
    volumes: {data: }
    """)
        stack.up()
        stack("stop", check=0)
        data = f"{self.berth.root}/volumes/{stack.name}_data/_data"
        os.rmdir(data)
        with open(data, "w", encoding="ascii"):
            pass
        done = stack("start")
        self.assertEqual(1, done.code, done)
        self.assertIn(f"{stack.name}_data", done.err)
        stack("down", "-v", check=0)
