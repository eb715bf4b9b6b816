"""`container update`: limits and the restart policy of what is there, at once and on record."""

import host
from test_container import Container

# Flag and value → what of HostConfig it is then. A share of processors excludes period and quota.
SHARE = {
    "--blkio-weight": ("300", "BlkioWeight", 300),
    "--cpu-rt-period": ("400000", "CpuRealtimePeriod", 400000),
    "--cpu-rt-runtime": ("4000", "CpuRealtimeRuntime", 4000),
    "--cpu-shares": ("77", "CpuShares", 77),
    "--cpus": ("0.5", "NanoCpus", 500_000_000),
    "--cpuset-cpus": ("0", "CpusetCpus", "0"),
    "--memory": ("64m", "Memory", 64 << 20),
    "--memory-reservation": ("32m", "MemoryReservation", 32 << 20),
    "--memory-swap": ("96m", "MemorySwap", 96 << 20),
    "--pids-limit": ("33", "PidsLimit", 33),
    "--restart": ("on-failure:3", "RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
}
TIMES = {"--cpu-period": ("50000", "CpuPeriod", 50000), "--cpu-quota": ("20000", "CpuQuota", 20000)}


class Update(Container):
    def test_each_flag_is_on_record(self):
        for how in (["container", "update"], ["update"]):
            self.do("create", "--name", "changes", "busybox:1", "true", check=0)
            for table in (SHARE, TIMES):
                before = self.do("inspect", "changes", check=0).json()[0]["HostConfig"]
                self.berth(*how, *[word for flag, (value, *_) in table.items() for word in (flag, value)], "changes", check=0)
                after = self.do("inspect", "changes", check=0).json()[0]["HostConfig"]
                for flag, (_, field, wanted) in table.items():
                    self.assertNotEqual(wanted, before[field], flag)
                    self.assertEqual(wanted, after[field], flag)
            self.assertIn("--cpuset-mems is not supported", self.berth(*how, "--cpuset-mems", "0", "changes", check=1).err)
            self.assertIn("--blkio-weight: weight 5 is not", self.berth(*how, "--blkio-weight", "5", "changes", check=1).err)
            self.do("rm", "changes", check=0)

    def test_update_changes_limits_at_once_and_on_record(self):
        self.do("run", "-d", "--init", "--name", "grows", "-m", "64m", "busybox:1", "sleep", "1000", check=0)
        config = lambda: self.do("inspect", "grows", check=0).json()[0]["HostConfig"]
        (pid,) = [int(line) for line in self.do("inspect", "-f", "{{.State.Pid}}", "grows", check=0).out.split()]
        limit = lambda controller, v1, v2: host.read(host.cgroup_file(pid, controller, v1, v2)).strip()
        self.assertEqual("grows\n", self.do("update", "-m", "128m", "--memory-swap", "-1", "--cpus", "0.5", "--pids-limit", "50",
                                            "--cpu-shares", "512", "--restart", "on-failure:3", "grows", check=0).out)
        self.assertEqual(str(128 << 20), limit("memory", "memory.limit_in_bytes", "memory.max"))
        self.assertEqual("50", limit("pids", "pids.max", "pids.max"))
        self.assertIn("50000", limit("cpu", "cpu.cfs_quota_us", "cpu.max"))
        after = config()
        self.assertEqual((128 << 20, -1, 500_000_000, 50, 512, {"Name": "on-failure", "MaximumRetryCount": 3}),
                         (after["Memory"], after["MemorySwap"], after["NanoCpus"], after["PidsLimit"], after["CpuShares"],
                          after["RestartPolicy"]))
        self.berth("update", "--pids-limit", "-1", "--cpu-quota", "20000", "--restart", "no", "grows", check=0)
        self.assertEqual("max", limit("pids", "pids.max", "pids.max"))
        self.assertIn("20000", limit("cpu", "cpu.cfs_quota_us", "cpu.max"))
        self.do("stop", "-t", "0", "grows", check=0)
        self.do("update", "-m", "32m", "grows", check=0)
        self.do("start", "grows", check=0)
        (pid,) = [int(line) for line in self.do("inspect", "-f", "{{.State.Pid}}", "grows", check=0).out.split()]
        self.assertEqual(str(32 << 20), limit("memory", "memory.limit_in_bytes", "memory.max"))
        self.assertIn("container update", self.berth("system", "events", "--since", "10m", "--until", "0s", check=0).out)
        self.do("rm", "-f", "grows", check=0)

    def test_an_update_that_makes_no_sense_changes_nothing(self):
        self.do("run", "-d", "--rm", "--init", "--name", "stays", "-m", "64m", "--memory-swap", "64m", "busybox:1", "sleep", "1000",
                check=0)
        self.assertIn("--memory-swap sets that", self.do("update", "-m", "128m", "stays", check=1).err)
        self.assertIn("has no restart policy", self.do("update", "--restart", "always", "stays", check=1).err)
        self.assertIn('--memory: "lots" is not a size', self.do("update", "-m", "lots", "stays", check=1).err)
        self.assertIn("no flag is given", self.do("update", "stays", check=1).err)
        self.assertIn("--cpuset-mems is not supported", self.do("update", "--cpuset-mems", "0", "stays", check=1).err)
        self.assertIn("nobody", self.do("update", "-m", "96m", "--memory-swap", "96m", "nobody", "stays", check=1).err)
        self.assertEqual(96 << 20, self.do("inspect", "stays", check=0).json()[0]["HostConfig"]["Memory"])
        self.do("rm", "-f", "stays", check=0)

    def test_up_leaves_what_was_updated_alone(self):
        stack = self.stack("services: {web: {image: 'busybox:1', command: [sleep, '1000'], init: true, mem_limit: 64m}}")
        stack.up()
        before = stack("ps", "-q", check=0).out
        self.do("update", "-m", "96m", "--memory-swap", "96m", f"{stack.name}-web-1", check=0)
        stack.up()
        self.assertEqual(before, stack("ps", "-q", check=0).out)
