"""What `container run` and `container create` are told about a container is what the container is: each flag by its effect in
`container inspect`; what the kernel makes of the attributes is for the tests of Compose's, into which the flags are turned."""

import os

import host
from harness import Case, wait_until

# Flag and value → what `inspect` shows then, and not without it.
PROCESS = {
    ("--entrypoint", "sleep"): (".Config.Entrypoint", '["sleep"]'),
    ("--env", "A=b"): (".Config.Env", '"A=b"'),
    ("--env-file", "variables"): (".Config.Env", '"FROM_FILE=yes"'),
    ("--user", "1000:1001"): (".Config.User", '"1000:1001"'),
    ("--workdir", "/tmp"): (".Config.WorkingDir", '"/tmp"'),
    ("--hostname", "front"): (".Config.Hostname", '"front"'),
    ("--domainname", "example.org"): (".Config.Domainname", '"example.org"'),
    ("--label", "colour=red"): (".Config.Labels", '"colour":"red"'),
    ("--label-file", "labels"): (".Config.Labels", '"shape":"round"'),
    ("--annotation", "a.b=c"): (".HostConfig.Annotations", '"a.b":"c"'),
    ("--stop-signal", "SIGUSR1"): (".Config.StopSignal", '"SIGUSR1"'),
    ("--stop-timeout", "7"): (".Config.StopTimeout", "7"),
    ("--group-add", "1234"): (".HostConfig.GroupAdd", '["1234"]'),
    ("--cap-add", "NET_ADMIN"): (".HostConfig.CapAdd", "NET_ADMIN"),
    ("--cap-drop", "KILL"): (".HostConfig.CapDrop", "KILL"),
    ("--security-opt", "no-new-privileges"): (".HostConfig.SecurityOpt", "no-new-privileges"),
    ("--oom-score-adj", "300"): (".HostConfig.OomScoreAdj", "300"),
    ("--ulimit", "nofile=100:200"): (".HostConfig.Ulimits", '"Hard":200'),
    ("--sysctl", "net.ipv4.ip_default_ttl=77"): (".HostConfig.Sysctls", '"77"'),
    ("--restart", "on-failure:3"): (".HostConfig.RestartPolicy", '"MaximumRetryCount":3'),
    ("--log-driver", "local"): (".HostConfig.LogConfig", '"local"'),
    ("--log-opt", "max-size=5m"): (".HostConfig.LogConfig", '"5m"'),
    ("--health-cmd", "echo fine"): (".Config.Healthcheck.Test", "echo fine"),
    ("--health-interval", "31s"): (".Config.Healthcheck.Interval", "31000000000"),
    ("--health-timeout", "32s"): (".Config.Healthcheck.Timeout", "32000000000"),
    ("--health-start-period", "33s"): (".Config.Healthcheck.StartPeriod", "33000000000"),
    ("--health-start-interval", "34s"): (".Config.Healthcheck.StartInterval", "34000000000"),
    ("--health-retries", "5"): (".Config.Healthcheck.Retries", "5"),
    ("--init",): (".HostConfig.Init", "true"),
    ("--interactive",): (".Config.OpenStdin", "true"),
    ("--tty",): (".Config.Tty", "true"),
    ("--read-only",): (".HostConfig.ReadonlyRootfs", "true"),
    ("--disable-content-trust",): None,
}
PLACES = {
    ("--add-host", "elsewhere:10.1.2.3"): (".HostConfig.ExtraHosts", '"elsewhere:10.1.2.3"'),
    ("--dns", "10.9.9.9"): (".HostConfig.Dns", '"10.9.9.9"'),
    ("--dns-option", "ndots:3"): (".HostConfig.DnsOptions", '"ndots:3"'),
    ("--dns-search", "example.org"): (".HostConfig.DnsSearch", '"example.org"'),
    ("--expose", "7001"): (".Config.ExposedPorts", '"7001/tcp"'),
    ("--publish", "127.0.0.1::7002"): (".HostConfig.PortBindings", '"7002/tcp"'),
    ("--tmpfs", "/scratch"): (".HostConfig.Tmpfs", '"/scratch"'),
    ("--volume", "/tmp:/from-host:ro"): (".HostConfig.Binds", "/from-host"),
    ("--mount", "type=bind,src=/tmp,dst=/mounted"): (".Mounts", '"/mounted"'),
    ("--volumes-from", "holder"): (".Mounts", '"/held"'),
    ("--shm-size", "8m"): (".HostConfig.ShmSize", "8388608"),
    ("--device", "/dev/full:/dev/empty"): (".HostConfig.Devices", '"/dev/empty"'),
    ("--device-cgroup-rule", "c 1:7 r"): (".HostConfig.DeviceCgroupRules", "c 1:7 r"),
    ("--memory", "64m"): (".HostConfig.Memory", "67108864"),
    ("--memory-swap", "96m"): (".HostConfig.MemorySwap", "100663296"),
    ("--memory-reservation", "32m"): (".HostConfig.MemoryReservation", "33554432"),
    ("--cpus", "0.5"): (".HostConfig.NanoCpus", "500000000"),
    ("--cpu-shares", "512"): (".HostConfig.CpuShares", "512"),
    ("--cpuset-cpus", "0"): (".HostConfig.CpusetCpus", '"0"'),
    ("--pids-limit", "99"): (".HostConfig.PidsLimit", "99"),
    ("--ipc", "shareable"): (".HostConfig.IpcMode", '"shareable"'),
    ("--pid", "host"): (".HostConfig.PidMode", '"host"'),
    ("--uts", "host"): (".HostConfig.UTSMode", '"host"'),
    ("--userns", "host"): (".HostConfig.UsernsMode", '"host"'),
    ("--cgroupns", "host"): (".HostConfig.CgroupnsMode", '"host"'),
    ("--network", "roads"): (".NetworkSettings.Networks", '"roads"'),
    ("--network-alias", "other-name"): (".NetworkSettings.Networks", '"other-name"'),
    ("--ip", "10.77.0.9"): (".NetworkSettings.Networks", '"10.77.0.9"'),
    ("--ip6", "fd77::9"): (".NetworkSettings.Networks", '"fd77::9"'),
    ("--mac-address", "02:42:00:00:00:09"): (".NetworkSettings.Networks", "02:42:00:00:00:09"),
    ("--link", "holder:friend"): (".NetworkSettings.Networks", "friend"),
    ("--privileged",): (".HostConfig.Privileged", "true"),
}
if not host.has_controller("cpuset"):
    del PLACES["--cpuset-cpus", "0"]
BROKEN = {
    # Refused by name or by value: berth has understood what was asked for, and cannot do it or takes it for nonsense.
    ("--blkio-weight", "5"): "--blkio-weight: weight 5",
    ("--blkio-weight-device", "/dev/loop0"): "--blkio-weight-device",
    ("--cgroup-parent", "../up"): "--cgroup-parent",
    ("--cpu-period", "soon"): "--cpu-period",
    ("--cpu-quota", "much"): "--cpu-quota",
    ("--cpu-rt-period", "soon"): "--cpu-rt-period",
    ("--cpu-rt-runtime", "much"): "--cpu-rt-runtime",
    ("--cpuset-mems", "0"): "--cpuset-mems",
    ("--device-read-bps", "/dev/loop0"): "--device-read-bps",
    ("--device-read-iops", "/dev/loop0"): "--device-read-iops",
    ("--device-write-bps", "/dev/loop0"): "--device-write-bps",
    ("--device-write-iops", "/dev/loop0"): "--device-write-iops",
    ("--gpus", "all"): "--gpus is not supported",
    ("--link-local-ip", "169.254.1.2"): "--network bridge takes no address",
    ("--memory-swappiness", "1000"): "--memory-swappiness",
    ("--oom-kill-disable=perhaps",): "--oom-kill-disable",
    ("--storage-opt", "size"): "--storage-opt",
    ("--volume-driver", "nfs"): "--volume-driver",
    ("--cidfile", "/"): "container ID file found",
    ("--pull", "sometimes"): "--pull",
}
IGNORED = {
    # Taken with a word: nothing comes of it here.
    ("--isolation", "hyperv"): "--isolation has no effect",
    ("--runtime", "other"): "--runtime has no effect",
}


class ContainerFlags(Case):
    def setUp(self):
        for name, text in (("variables", "FROM_FILE=yes\n"), ("labels", "shape=round\n")):
            with open(os.path.join(self.berth.home, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.addCleanup(lambda: self.berth("network", "prune", "-f"))
        self.addCleanup(self.remove_all)

    def remove_all(self):
        self.berth("container", "rm", "-f", "-v", *self.berth("container", "ls", "-aq").out.split(), "none")

    def check(self, table, *how):
        words = [word for flag in table for word in flag]
        self.berth("container", *how, "--name", "it", *words, "busybox:1", "1000", check=0)
        asked = {flag: shown for flag, shown in table.items() if shown}
        template = "\n".join("{{json %s}}" % place for place, _ in asked.values())
        lines = self.berth("container", "inspect", "-f", template, "it", check=0).out.splitlines()
        for line, (flag, (_, value)) in zip(lines, asked.items()):
            self.assertIn(value, line, flag)

    def prepare_places(self):
        self.berth("network", "create", "--subnet", "10.77.0.0/24", "--ipv6", "--subnet", "fd77::/64", "roads", check=0)
        self.berth("container", "run", "-d", "--name", "holder", "--network", "roads", "-v", "/held", "busybox:1", "sleep", "1000", check=0)

    def test_run_gives_the_process_what_it_was_told(self):
        self.check(PROCESS, "run", "-d")

    def test_create_gives_the_process_what_it_was_told(self):
        self.check(PROCESS, "create")

    def test_run_gives_the_places_it_was_told(self):
        self.prepare_places()
        self.check({**PLACES, ("--entrypoint", "sleep"): None}, "run", "-d")

    def test_create_gives_the_places_it_was_told(self):
        self.prepare_places()
        self.check({**PLACES, ("--entrypoint", "sleep"): None}, "create")

    def refuses(self, *how):
        for flag, named in BROKEN.items():
            refused = self.berth("container", *how, *flag, "busybox:1", "true")
            self.assertNotEqual(0, refused.code, flag)
            self.assertIn(named, refused.err, flag)

    def test_run_names_the_flag_that_cannot_be(self):
        self.refuses("run", "--rm")

    def test_create_names_the_flag_that_cannot_be(self):
        self.refuses("create")

    def warns(self, *how):
        for flag, named in IGNORED.items():
            self.assertIn(named, self.berth("container", *how, *flag, "busybox:1", "true", check=0).err)

    def test_run_says_what_has_no_effect(self):
        self.warns("run", "--rm")

    def test_create_says_what_has_no_effect(self):
        self.warns("create")

    def test_with_the_hosts_uts_namespace_comes_its_name(self):
        shown = self.berth("container", "run", "--rm", "--uts", "host", "busybox:1", "sh", "-c", "hostname; echo $HOSTNAME; cat /etc/hostname")
        self.assertEqual([os.uname().nodename] * 3, shown.out.split(), shown)

    def test_a_created_container_is_removed_when_it_ends_or_stays(self):
        self.berth("container", "create", "--rm", "--name", "passing", "busybox:1", "true", check=0)
        self.berth("container", "create", "--name", "staying", "busybox:1", "true", check=0)
        self.berth("container", "start", "passing", "staying", check=0)
        names = wait_until("the first has gone", lambda: (shown := self.names()) == ["staying"] and shown)
        self.assertEqual(["staying"], names)

    def names(self):
        return sorted(self.berth("container", "ls", "-a", "--format", "{{.Names}}", check=0).out.split())

    def test_a_created_container_publishes_all_that_is_exposed(self):
        for how in (["create"], ["run", "-d"]):
            self.berth("container", *how, "--name", "open", "-P", "--expose", "7003", "busybox:1", "sleep", "1000", check=0)
            self.assertIn('"7003/tcp"', self.berth("container", "inspect", "-f", "{{json .HostConfig.PortBindings}}", "open", check=0).out)
            self.remove_all()

    def test_a_container_has_no_health_check_if_so_asked(self):
        folder = os.path.join(self.berth.home, "checked")
        os.makedirs(folder)
        with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\nHEALTHCHECK CMD true\n")
        self.berth("image", "build", "-t", "checked:1", folder, check=0)
        for how in (["create"], ["run", "-d"]):
            for name, flags in (("with", []), ("without", ["--no-healthcheck"])):
                self.berth("container", *how, "--name", name, *flags, "checked:1", "sleep", "1000", check=0)
            healthy = self.berth("container", "inspect", "-f", "{{json .State.Health}}", "with", "without").out.split("\n")
            self.assertIn('"Status"', healthy[0])
            self.assertNotIn('"Status"', healthy[1])
            self.remove_all()

