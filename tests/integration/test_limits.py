"""Resource limits: written into the cgroup files, and felt."""

import os
import stat

import host
from harness import Case, wait_until


def service(extra, command="exec sleep 100000"):
    return f"""
        services:
          it:
            image: busybox:1
            command: ["sh", "-c", "{command}"]
            environment: {{BERTH_TEST_MARK: %MARK%-it}}
            stop_grace_period: 0s
            {extra}
        """


class Limits(Case):
    def value(self, stack, *names):
        return host.read(stack.cgroup_file("it", *names)).strip()

    def test_mem_limit_is_written(self):
        stack = self.stack(service("mem_limit: 32m"))
        stack.up()
        self.assertEqual(str(32 << 20), self.value(stack, "memory", "memory.limit_in_bytes", "memory.max"))

    def test_a_container_above_its_memory_is_killed_with_137(self):
        # tail keeps the one endless line in memory.
        stack = self.stack(service("mem_limit: 16m\n            memswap_limit: 16m", "tail -n 1 < /dev/zero; exit $$?"))
        stack.up()
        wait_until("the container has ended", lambda: stack.ps()["it"]["State"] == "exited", 30)
        self.assertEqual(137, stack.ps()["it"]["ExitCode"])

    def test_cpus_is_written_as_a_quota(self):
        stack = self.stack(service("cpus: 0.5"))
        stack.up()
        path = stack.cgroup_file("it", "cpu", "cpu.cfs_quota_us", "cpu.max")
        quota = host.read(path).split()
        period = quota[1] if len(quota) == 2 else host.read(path.replace("quota", "period")).strip()
        self.assertAlmostEqual(0.5, int(quota[0]) / int(period))

    def test_pids_limit_is_written_and_felt(self):
        stack = self.stack(service("pids_limit: 12"))
        stack.up()
        self.assertEqual("12", self.value(stack, "pids", "pids.max", "pids.max"))
        outcome = stack("exec", "-T", "it", "sh", "-c", "for i in $(seq 30); do sleep 5 & done; echo all thirty")
        self.assertNotIn("all thirty", outcome.out, "the fork bomb ran into the limit")

    def test_exec_counts_toward_the_containers_limits(self):
        stack = self.stack(service("mem_limit: 16m\n            memswap_limit: 16m"))
        stack.up()
        stack("exec", "-T", "it", "tail", "-n", "1", "/dev/zero", check=137)

    def test_ulimits_and_shm_size_are_felt(self):
        stack = self.stack(service("shm_size: 8m\n            ulimits: {nofile: {soft: 123, hard: 456}}"))
        stack.up()
        self.assertRegex(host.read(f"/proc/{stack.pid('it')}/limits"), r"Max open files\s+123\s+456")
        self.assertIn("8192", stack.sh("it", "df -k /dev/shm"))

    def hybrid(self):
        return any("memory" in options for _, options in host.cgroup_mounts())

    def test_block_devices_are_limited_by_their_numbers(self):
        disks = sorted(os.listdir("/sys/block"))
        if not disks:
            self.skipTest("this machine has no block device that could be limited")
        number = host.read(f"/sys/block/{disks[0]}/dev").strip()
        device = os.path.join(self.berth.home, "disk")
        os.mknod(device, 0o600 | stat.S_IFBLK, os.makedev(*map(int, number.split(":"))))
        stack = self.stack(service("blkio_config: {device_read_bps: [{path: %s, rate: '2mb'}], "
                                   "device_write_iops: [{path: %s, rate: 77}]}" % (device, device)))
        if "blkio_config is left out" in stack.up().err:
            self.skipTest("this kernel cannot limit I/O")
        if self.hybrid():
            self.assertEqual(f"{number} {2 << 20}", self.value(stack, "blkio", "blkio.throttle.read_bps_device", ""))
            self.assertEqual(f"{number} 77", self.value(stack, "blkio", "blkio.throttle.write_iops_device", ""))
        else:
            self.assertEqual(f"{number} rbps={2 << 20} wbps=max riops=max wiops=77", self.value(stack, "io", "", "io.max"))

    def test_a_weight_is_written_where_the_kernel_weighs_and_left_out_with_a_warning_elsewhere(self):
        stack = self.stack(service("blkio_config: {weight: 300}"))
        outcome = stack.up()
        names = (("blkio", "blkio.bfq.weight", "io.bfq.weight"), ("blkio", "blkio.weight", "io.weight"))
        if "blkio_config.weight is left out" in outcome.err:
            return
        found = []
        for name in names:
            try:
                found.append(self.value(stack, *name))
            except AssertionError:
                continue
        self.assertTrue(any(text in ("300", "default 300") or text.startswith("default") for text in found), found)

    def test_a_set_of_cpus_that_the_kernel_cannot_give_is_refused_by_name(self):
        if host.has_controller("cpuset"):
            self.skipTest("this kernel has the cpuset controller")
        self.assertIn("CONFIG_CPUSETS", self.stack(service("cpuset: '0'"))("up", "-d", check=1).err)

    def test_what_only_v1_has_is_written_there_and_discarded_with_a_warning_on_v2(self):
        stack = self.stack(service("mem_limit: 64m\n            mem_swappiness: 33\n            oom_kill_disable: true"))
        outcome = stack.up()
        if not self.hybrid():
            self.assertIn("mem_swappiness is left out", outcome.err)
            self.assertIn("oom_kill_disable is left out", outcome.err)
            return
        self.assertEqual("33", self.value(stack, "memory", "memory.swappiness", ""))
        self.assertIn("oom_kill_disable 1", self.value(stack, "memory", "memory.oom_control", ""))
        self.assertNotIn("left out", outcome.err)

    def test_realtime_is_lent_by_the_groups_above(self):
        stack = self.stack(service("cpu_rt_runtime: 20000\n            cpu_rt_period: 500000"))
        if not self.hybrid():
            self.assertIn("realtime", stack("up", "-d", check=1).err)
            return
        stack.up()
        self.assertEqual("20000", self.value(stack, "cpu", "cpu.rt_runtime_us", ""))
        self.assertEqual("500000", self.value(stack, "cpu", "cpu.rt_period_us", ""))

    def test_cgroup_parent_is_used_in_every_hierarchy_and_goes_only_if_it_was_made_for_it(self):
        name = "berthtest.parent"
        points = [point for point, _ in host.cgroup_mounts() if point.startswith("/sys/fs/cgroup")]
        prepared = [os.path.join(points[0], name)]
        os.mkdir(prepared[0])
        self.addCleanup(os.rmdir, prepared[0])
        cpuset = "cpuset: '0'" if host.has_controller("cpuset") else ""
        stack = self.stack(service(f"cgroup_parent: /{name}/inner\n            {cpuset}"))
        stack.up()
        pid = stack.pid("it")
        ours = [line for line in host.read(f"/proc/{pid}/cgroup").splitlines() if f"/{name}/inner/" in line]
        wanted = {"memory", "cpu", "cpuacct", "pids", "devices", "cpuset"} if self.hybrid() else set()
        joined = {controller for line in ours for controller in line.split(":")[1].split(",") if controller}
        self.assertLessEqual(wanted, joined)
        self.assertTrue(any(line.startswith("0::") for line in ours), "the v2 group too")
        self.assertEqual("ok", stack.exec("it", "echo", "ok"), "exec joins them")
        stack("down", check=0)
        left = [folder for point in points for folder, _, _ in os.walk(point) if name in folder]
        self.assertEqual(prepared, left, "what was there before stays, and nothing else")

    def test_a_parent_that_leads_upwards_is_refused(self):
        stack = self.stack(service("cgroup_parent: ../up"))
        self.assert_in_order(stack("up", "-d", check=1).err, "compose.yaml:", "cgroup_parent", "upwards")
