"""Resource limits: written into the cgroup files, and felt."""

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
