"""`berth container …`: Docker's commands on any container, and containers that belong to no project."""

import os
import signal
import socket
import subprocess

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

STACK = """
    services:
      web:
        image: busybox:1
        command: [sleep, "1000"]
        stop_grace_period: 0s
        environment: {BERTH_TEST_MARK: %MARK%-web}
        depends_on: {db: {condition: service_healthy}}
      db:
        image: busybox:1
        command: [sleep, "1000"]
        stop_grace_period: 0s
        environment: {BERTH_TEST_MARK: %MARK%-db}
        healthcheck: {test: [CMD, "true"], interval: 0.1s}
    """


class Container(Case):
    """Requests without a project: removed at the end, whatever a test has left."""

    def setUp(self):
        self.addCleanup(self.remove_all)

    def remove_all(self):
        ids = self.do("ls", "-aq").out.split()
        if ids:
            self.do("rm", "-f", "-v", *ids)

    def do(self, *arguments, **options):
        return self.berth("container", *arguments, **options)

    def inspect(self, name, template):
        return self.do("inspect", "--format", template, name, check=0).out.strip()

    def rows(self, *flags):
        """Name → row."""
        return {row["Names"]: row for row in self.do("ls", "--format", "json", *flags, check=0).json()}


class Run(Container):
    def test_it_returns_what_the_command_wrote_and_returned(self):
        done = self.do("run", "--rm", "-i", "--network", "none", "busybox:1", "sh", "-c", "echo out; echo err >&2; cat; exit 42",
                       stdin="from stdin", check=42)
        self.assertEqual("out\nfrom stdin", done.out)
        self.assertEqual("err\n", done.err)
        self.assertEqual({}, self.rows("-a"))
        self.assertEqual("", self.do("run", "--rm", "busybox:1", "cat", stdin="not given", check=0).out)
        self.do("run", "--rm", "busybox:1", "no-such-program", check=127)
        self.do("run", "--rm", "--pull", "never", "no-such-image:1", "true", check=125)

    def test_streams_are_attached_as_asked(self):
        done = self.do("run", "--rm", "-a", "stderr", "--network", "none", "busybox:1", "sh", "-c", "echo out; echo err >&2", check=0)
        self.assertEqual(("", "err\n"), (done.out, done.err))
        self.assertIn("stdin, stdout or stderr", self.do("run", "-a", "nose", "busybox:1", check=125).err)

    def test_it_belongs_to_no_project(self):
        id_ = self.do("run", "-d", "--name", "loner", "-l", "who=me", "busybox:1", "sleep", "1000", check=0).out.strip()
        self.assertRegex(id_, "^[0-9a-f]{64}$")
        self.assertEqual('{"who":"me"}', self.inspect("loner", "{{json .Config.Labels}}"))
        self.assertEqual("[]\n", self.berth("ls", "-a", "--format", "json", check=0).out)
        clash = self.do("run", "-d", "--name", "loner", "busybox:1", check=125)
        self.assertIn('the container name "loner" is in use by container ' + id_[:12], clash.err)
        self.assertNotIn("no such", self.do("rm", "-f", "loner", check=0).err)

    def test_a_name_is_found_for_it(self):
        self.do("create", "busybox:1", "true", check=0)
        (name,) = self.rows("-a")
        self.assertRegex(name, "^[a-z]+_[a-z]+[0-9]{2}$")
        self.assertIn("invalid container name", self.do("create", "--name", "a b", "busybox:1", check=1).err)

    def test_each_flag_arrives_where_the_kernel_shows_it(self):
        here = os.path.join(self.berth.home, "here")
        os.makedirs(here, exist_ok=True)
        with open(here + "/vars", "w", encoding="utf-8") as file:
            file.write("# of the file\nFROM_FILE=\"kept\"\n")
        with open(here + "/labels", "w", encoding="utf-8") as file:
            file.write("in=file\n")
        script = ("hostname; id -u; pwd; echo $GIVEN $FROM_FILE; cat /proc/1/comm; grep -c there /there/file; "
                  "ulimit -n; cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | tail -1; "
                  "touch /x 2>&1 | grep -o Read-only; grep -w other /etc/hosts; cat /proc/self/oom_score_adj; "
                  "grep CapBnd /proc/self/status")
        with open(here + "/file", "w", encoding="utf-8") as file:
            file.write("there")
        out = self.do("run", "--rm", "-h", "box", "-u", "7", "-w", "/tmp", "-e", "GIVEN=$GIVEN", "--env-file", here + "/vars",
                   "--init", "-v", here + ":/there:ro", "--ulimit", "nofile=77:88", "--sysctl", "net.ipv4.ip_forward=0",
                   "--shm-size", "1m", "--read-only", "--tmpfs", "/tmp", "--add-host", "other:192.0.2.7",
                   "--oom-score-adj", "500", "--cap-drop", "ALL", "--label-file", here + "/labels", "--entrypoint", "sh",
                   "busybox:1", "-c", script, check=0).out
        lines = out.split("\n")
        self.assertEqual(["box", "7", "/tmp", '$GIVEN "kept"'], lines[:4])
        self.assert_in_order(out, "1\n77\n0\n", "1024", "Read-only", "192.0.2.7", "500", "0000000000000000")
        self.do("create", "--name", "labelled", "--label-file", here + "/labels", "busybox:1", check=0)
        self.assertEqual("file", self.inspect("labelled", "{{index .Config.Labels \"in\"}}"))

    def test_each_flag_is_seen_by_inspect(self):
        rows = (
            ("--annotation a=b", "Annotations", {"a": "b"}),
            ("--blkio-weight 300", "BlkioWeight", 300),
            ("--blkio-weight-device /dev/sda:200", "BlkioWeightDevice", [{"Path": "/dev/sda", "Weight": 200}]),
            ("--cap-add NET_ADMIN", "CapAdd", ["NET_ADMIN"]),
            ("--cgroup-parent some", "CgroupParent", "some"),
            ("--cgroupns host", "CgroupnsMode", "host"),
            ("--cpu-period 50000", "CpuPeriod", 50000),
            ("--cpu-quota 20000", "CpuQuota", 20000),
            ("-c 512", "CpuShares", 512),
            ("--cpuset-cpus 0", "CpusetCpus", "0"),
            ("--device /dev/null:/dev/x:r", "Devices",
             [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]),
            ("--device-cgroup-rule c~1:3~mr", "DeviceCgroupRules", ["c 1:3 mr"]),
            ("--device-read-bps /dev/sda:1mb", "BlkioDeviceReadBps", [{"Path": "/dev/sda", "Rate": 1 << 20}]),
            ("--device-write-bps /dev/sda:2mb", "BlkioDeviceWriteBps", [{"Path": "/dev/sda", "Rate": 2 << 20}]),
            ("--device-read-iops /dev/sda:10", "BlkioDeviceReadIOps", [{"Path": "/dev/sda", "Rate": 10}]),
            ("--device-write-iops /dev/sda:20", "BlkioDeviceWriteIOps", [{"Path": "/dev/sda", "Rate": 20}]),
            ("--dns 192.0.2.1", "Dns", ["192.0.2.1"]),
            ("--dns-option ndots:2", "DnsOptions", ["ndots:2"]),
            ("--dns-search example.com", "DnsSearch", ["example.com"]),
            ("--group-add 7", "GroupAdd", ["7"]),
            ("--ipc shareable", "IpcMode", "shareable"),
            ("--log-driver local", "LogConfig", {"Type": "local", "Config": {"max-size": "1m"}}),
            ("--log-opt max-size=1m", "", None),
            ("--memory-reservation 32m", "MemoryReservation", 32 << 20),
            ("--pid host", "PidMode", "host"),
            ("--privileged", "Privileged", True),
            ("--security-opt no-new-privileges", "SecurityOpt", ["no-new-privileges"]),
            ("--userns host", "UsernsMode", "host"),
            ("--uts host", "UTSMode", "host"),
        )
        flags = [word.replace("~", " ") for flag, _, _ in rows for word in flag.split(" ")]
        made = self.do("create", "--name", "seen", *flags, "busybox:1", check=0)
        config = self.do("inspect", "seen", check=0).json()[0]["HostConfig"]
        for flag, key, expected in rows:
            attribute = flag.split(" ")[0].replace("--blkio-", "blkio_config.").replace("-", "_")
            if key and f"{attribute} is left out: the kernel" not in made.err:
                self.assertEqual(expected, config.get(key), flag)
        self.do("create", "--name", "named", "--domainname", "example.com", "busybox:1", check=0)
        self.assertEqual("example.com", self.inspect("named", "{{.Config.Domainname}}"))
        self.assertIn("--runtime", self.do("create", "--runtime", "runc", "busybox:1", check=0).err)
        for flag in ("--cpu-rt-period", "--cpu-rt-runtime", "--memory-swappiness", "--health-timeout", "--health-start-period",
                     "--health-start-interval"):
            self.assertIn(flag + ": ", self.do("create", flag, "wrong", "busybox:1", check=1).err)

    def test_limits_are_those_of_the_control_group(self):
        self.do("run", "-d", "--name", "bound", "-m", "64m", "--memory-swap", "64m", "--pids-limit", "50", "--cpus", "0.5",
             "busybox:1", "sleep", "1000", check=0)
        self.assertEqual("67108864 67108864 50 500000000",
                         self.inspect("bound", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} "
                                      "{{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}"))
        pid = int(self.inspect("bound", "{{.State.Pid}}"))
        with open(host.cgroup_file(pid, "memory", "memory.limit_in_bytes", "memory.max"), encoding="ascii") as file:
            self.assertEqual("67108864", file.read().strip())

    def test_its_own_health_check_and_restart_policy(self):
        self.do("run", "-d", "--name", "checked", "--health-cmd", "test -e /ok", "--health-interval", "100ms",
             "--health-retries", "1", "--restart", "on-failure:2", "--stop-timeout", "1", "--stop-signal", "KILL", "busybox:1",
             "sh", "-c", "touch /ok; sleep 1000", check=0)
        wait_until("it is healthy", lambda: self.inspect("checked", "{{.State.Health.Status}}") == "healthy")
        self.assertEqual("on-failure 2 KILL 1", self.inspect(
            "checked", "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}} "
            "{{.Config.StopSignal}} {{.Config.StopTimeout}}"))
        self.do("run", "-d", "--name", "unchecked", "--no-healthcheck", "busybox:1", "sleep", "1000", check=0)
        self.assertNotIn("Health", self.inspect("unchecked", "{{json .State}}"))
        asked = "{{if .State.Health}}{{.State.Health.Status}}{{else}}unchecked{{end}}"
        self.assertEqual(["healthy", "unchecked"], [self.inspect(name, asked) for name in ("checked", "unchecked")])

    def test_published_ports_lead_in(self):
        server = ["sh", "-c", "while :; do echo hello | nc -l -p 8080; done"]
        self.do("run", "-d", "--name", "web", "-p", "18211:8080", "busybox:1", *server, check=0)
        self.do("run", "-d", "--name", "any", "-P", "--expose", "8080", "busybox:1", *server, check=0)
        port = int(self.do("port", "any", "8080", check=0).out.split("\n")[0].rsplit(":", 1)[1])

        def hears(number):  # between two connections nc listens to nobody
            try:
                with socket.create_connection(("127.0.0.1", number), timeout=10) as connection:
                    return connection.recv(16)
            except ConnectionError:
                return b""
        for number in (18211, port):
            self.assertEqual(b"hello\n", wait_until("it answers", lambda: hears(number)))
        clash = self.do("run", "-d", "--name", "late", "-p", "18211:8080", "busybox:1", *server, check=125)
        self.assertIn("port 18211/tcp is already published by container web", clash.err)
        self.assertNotIn("late", self.rows("-a"))

    def test_networks_give_names_addresses_and_aliases(self):
        self.berth("network", "create", "--subnet", "172.31.77.0/24", "lan", check=0)
        self.addCleanup(lambda: self.berth("network", "rm", "lan"))
        self.addCleanup(self.remove_all)
        self.do("run", "-d", "--name", "peer", "--network", "lan", "--ip", "172.31.77.9", "--network-alias", "nick", "busybox:1",
             "sleep", "1000", check=0)
        self.do("run", "-d", "--name", "peer2", "--network", "name=lan,ip=172.31.77.8,alias=second", "busybox:1", "sleep", "1000",
             check=0)
        out = self.do("run", "--rm", "--network", "lan", "busybox:1", "sh", "-c",
                   "for n in peer nick second; do ping -c 1 -W 2 $n | head -1; done", check=0).out
        self.assert_in_order(out, "172.31.77.9", "172.31.77.9", "172.31.77.8")
        self.assertEqual("172.31.77.9\n", self.do("run", "--rm", "--network", "container:peer", "busybox:1", "sh", "-c",
                                               "ip -4 addr show eth0 | grep -o '172.31.77.[0-9]*' | head -1", check=0).out)
        self.assertIn("network nowhere not found", self.do("run", "--network", "nowhere", "busybox:1", check=125).err)
        self.assertIn("No such container: brother", self.do("run", "--link", "brother:bro", "busybox:1", check=125).err)
        self.do("run", "-d", "--name", "brother", "busybox:1", "sleep", "1000", check=0)
        self.do("run", "--rm", "--link", "brother:bro", "busybox:1", "ping", "-c", "1", "-W", "2", "bro", check=0)
        out = self.do("run", "--rm", "--mac-address", "02:42:ac:11:00:99", "busybox:1", "cat", "/sys/class/net/eth0/address",
                   check=0).out
        self.assertEqual("02:42:ac:11:00:99\n", out)
        self.assertIn("No such container: nobody", self.do("run", "--network", "container:nobody", "busybox:1", check=125).err)

    def test_a_renamed_container_answers_to_its_new_name_alone(self):
        self.berth("network", "create", "lan2", check=0)
        self.addCleanup(lambda: self.berth("network", "rm", "lan2"))
        self.addCleanup(self.remove_all)
        self.do("run", "-d", "--name", "before", "--network", "lan2", "busybox:1", "sleep", "1000", check=0)
        self.do("run", "-d", "--name", "other", "--network", "lan2", "busybox:1", "sleep", "1000", check=0)
        self.do("rename", "before", "after", check=0)
        self.assertEqual({"after", "other"}, set(self.rows()))
        self.do("exec", "other", "ping", "-c", "1", "-W", "2", "after", check=0)
        self.do("exec", "other", "ping", "-c", "1", "-W", "2", "before", check=1)
        self.assertIn('"other" is in use', self.do("rename", "after", "other", check=1).err)
        self.do("run", "--rm", "--name", "before", "busybox:1", "true", check=0)

    def test_volumes_by_name_and_by_mount(self):
        self.addCleanup(lambda: self.berth("volume", "rm", "kept", "made"))
        self.addCleanup(self.remove_all)
        self.do("run", "--rm", "-v", "kept:/data", "busybox:1", "sh", "-c", "echo content > /data/file", check=0)
        mount = "type=volume,source=kept,target=/data,readonly"
        done = self.do("run", "--rm", "--mount", mount, "busybox:1", "sh", "-c", "cat /data/file; touch /data/x", check=1)
        self.assertEqual("content\n", done.out)
        self.do("run", "--rm", "--mount", "type=volume,src=made,dst=/d,volume-label=a=b", "busybox:1", "true", check=0)
        self.assertEqual('{"a":"b"}\n', self.berth("volume", "inspect", "-f", "{{json .Labels}}", "made", check=0).out)
        self.do("run", "-d", "--name", "owner", "-v", "kept:/data", "busybox:1", "sleep", "1000", check=0)
        self.assertEqual("content\n", self.do("run", "--rm", "--volumes-from", "owner:ro", "busybox:1", "cat", "/data/file",
                                           check=0).out)
        missing = self.do("run", "--rm", "--mount", "type=bind,src=/no/such,dst=/d", "busybox:1", "true", check=125)
        self.assertIn("/no/such", missing.err)
        self.assertIn('did you mean "target"?', self.do("run", "--mount", "type=bind,targt=/d", "busybox:1", check=125).err)

    def test_mistakes_name_the_flag(self):
        self.assertIn('--memory: "lots" is not a size', self.do("run", "-m", "lots", "busybox:1", check=125).err)
        self.assertIn("--publish", self.do("run", "-p", "x", "busybox:1", check=125).err)
        self.assertIn("--gpus is not supported", self.do("run", "--gpus", "all", "busybox:1", check=125).err)
        self.assertIn("--cpuset-mems is not supported", self.do("run", "--cpuset-mems", "0", "busybox:1", check=125).err)
        self.assertIn("--detach-keys", self.do("run", "--detach-keys", "ctrl-", "busybox:1", check=125).err)
        self.assertIn("--attach cannot be combined", self.do("run", "-a", "stdout", "--sig-proxy=false", "busybox:1", check=125).err)
        self.assertIn("both --restart and --rm", self.do("run", "-d", "--rm", "--restart", "always", "busybox:1", check=125).err)
        self.assertIn("not a TTY", self.do("run", "-it", "busybox:1", check=125).err)

    def test_one_in_the_foreground_with_a_policy_comes_back_in_the_background(self):
        done = self.do("run", "--name", "back", "--restart", "always", "busybox:1", "sh", "-c",
                       "test -e /been && exec sleep 1000; touch /been; echo once; exit 3", check=3)
        self.assertEqual("once\n", done.out)
        wait_until("it runs again", lambda: self.rows()["back"]["State"] == "running")
        self.do("rm", "-f", "back", check=0)

    def test_one_in_the_foreground_can_be_left(self):
        command = [BERTH, "container", "run", "-it", "--name", "left", "--detach-keys", "ctrl-a,x", "busybox:1", "sh", "-c",
                   "echo ready; cat"]
        with Terminal(command, self.berth.home, self.berth.environment) as terminal:
            terminal.wait_for("ready")
            terminal.type("abc\r")
            terminal.wait_for("abc\r\nabc")
            terminal.type("\x01x")
            self.assertEqual(0, terminal.wait_exit())
        self.assertEqual("running", self.rows()["left"]["State"])
        self.do("rm", "-f", "left", check=0)
        failed = self.do("run", "--detach-keys", "ctrl-a", "--name", "none", "busybox:1", "/no/such", check=127)
        self.assertIn("/no/such", failed.err)
        self.assertNotIn("none", self.rows("-a"))

    def test_signals_are_not_passed_on_where_nobody_wants_that(self):
        process = subprocess.Popen([BERTH, "container", "run", "--name", "deaf", "--sig-proxy=false", "busybox:1", "sh", "-c",
                                    "trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done"],
                                   env=self.berth.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        self.assertEqual("ready\n", process.stdout.readline())
        process.terminate()
        self.assertEqual("", process.communicate(timeout=30)[0])
        self.assertEqual(130, process.returncode)
        self.assertEqual("running", self.rows()["deaf"]["State"])
        self.assertEqual("ready\n", self.do("logs", "deaf", check=0).out)
        self.do("rm", "-f", "deaf", check=0)

    def test_the_id_goes_to_a_file(self):
        path = os.path.join(self.berth.home, "cid")
        id_ = self.do("create", "--cidfile", path, "--name", "filed", "busybox:1", check=0).out.strip()
        with open(path, encoding="ascii") as file:
            self.assertEqual(id_, file.read())
        self.assertIn("container ID file found", self.do("create", "--cidfile", path, "busybox:1", check=1).err)

    def test_on_a_terminal_it_is_one(self):
        command = [BERTH, "container", "run", "--rm", "-it", "busybox:1"]
        with Terminal(command, self.berth.home, self.berth.environment) as terminal:
            terminal.wait_for("# ")
            terminal.type("tty; exit 7\r")
            terminal.wait_for("/dev/pts/0")
            self.assertEqual(7, terminal.wait_exit())

    def test_created_ones_start_later_and_show_their_output(self):
        self.do("create", "--name", "later", "-i", "--network", "none", "busybox:1", "sh", "-c", "echo begun; echo bad >&2; exit 5", check=0)
        self.assertEqual("created", self.rows("-a")["later"]["State"])
        done = self.do("start", "-a", "later", check=5)
        self.assertEqual(("begun\n", "bad\n"), (done.out, done.err))
        self.assertEqual("later\n", self.do("start", "later", check=0).out)
        self.do("wait", "later", check=0)
        logs = self.do("logs", "later", check=0)
        self.assertEqual(("begun\nbegun\n", "bad\nbad\n"), (logs.out, logs.err))

    def test_rm_takes_it_away_when_it_has_ended(self):
        self.do("run", "-d", "--rm", "--name", "brief", "-v", "/anonymous", "busybox:1", "sleep", "1000", check=0)
        self.do("stop", "-t", "0", "brief", check=0)
        wait_until("it has gone", lambda: "brief" not in self.rows("-a"))
        self.assertEqual("", self.berth("volume", "ls", "-q", check=0).out)


class Verbs(Container):
    def test_containers_of_projects_and_of_none_together(self):
        stack = self.stack(STACK)
        stack.up()
        web = stack.name + "-web-1"
        self.do("run", "-d", "--name", "alone", "--stop-timeout", "0", "busybox:1", "sleep", "1000", check=0)
        short = self.inspect("alone", "{{.Id}}")[:8]
        self.assertEqual(f"{web}\n{short}\n", self.do("stop", "-t", "0", web, short, check=0).out)
        self.assertEqual({"alone": "exited", web: "exited", stack.name + "-db-1": "running"},
                         {name: row["State"] for name, row in self.rows("-a").items()})
        # Without a look at what depends on what: the database is not waited for.
        stack("stop", "db", check=0)
        self.assertEqual(f"{web}\nalone\n", self.do("start", web, "alone", check=0).out)
        self.assertEqual(f"{web}\n", self.do("pause", web, check=0).out)
        self.assertIn("already paused", self.do("pause", web, check=1).err)
        self.assertIn("is paused", self.do("exec", web, "true", check=1).err)
        self.assertEqual(f"{web}\n", self.do("unpause", web, check=0).out)
        pid = stack.pid("web")
        self.assertEqual(f"{web}\n", self.do("restart", "-t", "0", web, check=0).out)
        self.assertNotEqual(pid, stack.pid("web"))
        self.assertEqual("alone\n", self.do("kill", "-s", "9", "alone", check=0).out)
        wait_until("it has ended", lambda: self.inspect("alone", "{{.State.Status}}") == "exited")
        self.assertIn("is not running", self.do("kill", "alone", check=1).err)

    def test_what_is_missing_does_not_keep_the_others(self):
        self.do("create", "--name", "there", "busybox:1", "sleep", "1000", check=0)
        done = self.do("start", "ther", "there", check=1)
        self.assertEqual("there\n", done.out)
        self.assertIn('did you mean "there"?', done.err)
        self.assertIn("is running", self.do("rm", "there", check=1).err)
        self.assertEqual("there\n", self.do("rm", "-f", "there", "gone", check=0).out)

    def test_exec_logs_and_attach_take_any_container(self):
        stack = self.stack(STACK)
        stack.up()
        web = stack.name + "-web-1"
        vars_file = os.path.join(self.berth.home, "vars")
        with open(vars_file, "w", encoding="utf-8") as file:
            file.write("B=file\n")
        out = self.do("exec", "-i", "-e", "A=1", "--env-file", vars_file, "-w", "/tmp", "-u", "9", web, "sh", "-c",
                   "echo $A $B; pwd; id -u; cat", stdin="in", check=0).out
        self.assertEqual("1 file\n/tmp\n9\nin", out)
        self.assertEqual("", self.do("exec", web, "cat", stdin="in", check=0).out)
        self.do("exec", web, "sh", "-c", "exit 9", check=9)
        self.do("run", "-d", "--name", "talker", "busybox:1", "sh", "-c", "echo one; echo two >&2; sleep 1000", check=0)
        wait_until("it has spoken", lambda: self.do("logs", "talker").err)
        logs = self.do("logs", "-n", "1", "talker", check=0)
        self.assertEqual(("", "two\n"), (logs.out, logs.err))
        self.assertRegex(self.do("logs", "-t", "talker", check=0).out, r"^20\d\d-\S+Z one\n$")
        self.assertEqual("", self.do("logs", "--since", "2100-01-01", "talker", check=0).out)
        self.do("kill", "talker", check=0)
        self.assertEqual("one\n", self.do("logs", "-f", "talker", check=0).out)

    def test_diff_tells_what_is_its_own(self):
        self.do("create", "--name", "changed", "busybox:1", "sh", "-c", "echo x > /tmp/new; rm /bin/false; echo y >> /etc/passwd",
             check=0)
        self.assertEqual("", self.do("diff", "changed", check=0).out)
        self.do("start", "-a", "changed", check=0)
        lines = self.do("diff", "changed", check=0).out.split("\n")
        for line in ("A /tmp/new", "D /bin/false", "C /etc/passwd", "C /bin"):
            self.assertIn(line, lines)

    def test_signals_of_stop_are_refused_by_name(self):
        self.do("create", "--name", "signalled", "busybox:1", check=0)
        self.assertIn("--signal is not supported", self.do("stop", "-s", "INT", "signalled", check=1).err)

    def test_a_slow_stop_keeps_nobody_else_from_running(self):
        self.do("run", "-d", "--name", "slow", "--stop-timeout", "60", "busybox:1", "sh", "-c",
             "trap 'echo asked' TERM; while :; do sleep 0.1; done", check=0)
        with Terminal([BERTH, "container", "stop", "slow"], self.berth.home, self.berth.environment) as terminal:
            wait_until("the stop is under way", lambda: "asked" in self.do("logs", "slow").out)
            self.do("run", "--rm", "busybox:1", "true", check=0)
            self.do("kill", "slow", check=0)
            self.assertEqual(0, terminal.wait_exit())

    def test_prune_takes_what_does_not_run(self):
        stack = self.stack(STACK)
        stack.up()
        stack("stop", "web", check=0)
        self.do("create", "--name", "idle", "-l", "keep=1", "busybox:1", check=0)
        self.do("run", "-d", "--name", "busy", "busybox:1", "sleep", "1000", check=0)
        self.do("prune", "-f", "--filter", "label!=keep", check=0)
        self.assertEqual({"idle", "busy", stack.name + "-db-1"}, set(self.rows("-a")))
        self.assertIn("Total reclaimed space", self.do("prune", "-f", check=0).out)
        self.assertEqual({"busy", stack.name + "-db-1"}, set(self.rows("-a")))
        self.assertIn("Are you sure", self.do("prune", stdin="n\n", check=0).out)

    def test_it_survives_its_supervisor(self):
        self.do("run", "-d", "--name", "tough", "--restart", "always", "busybox:1", "sleep", "1000", check=0)
        pid = int(self.inspect("tough", "{{.State.Pid}}"))
        self.berth.kill_helpers("berth-supervisor")
        self.do("exec", "tough", "true", check=0)
        os.kill(pid, signal.SIGKILL)
        wait_until("it runs again", lambda: int(self.inspect("tough", "{{.State.Pid}}")) not in (0, pid))
        self.do("stop", "-t", "0", "tough", check=0)


class List(Container):
    def test_columns_filters_and_forms(self):
        self.do("run", "-d", "--name", "first", "-l", "a=b", "busybox:1", "sleep", "1000", check=0)
        self.do("run", "-d", "--name", "second", "--network", "none", "-v", "/data", "busybox:1", "sleep", "1000", check=0)
        self.do("create", "--name", "third", "busybox:1", "sh", "-c", "exit 3", check=0)
        self.do("start", "-a", "third", check=3)
        table = self.do("ls", check=0).out.split("\n")
        self.assertRegex(table[0], "^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$")
        self.assertRegex(table[1], 'busybox:1 +"sleep 1000" .* Up .* second$')
        self.assertEqual(["third", "second", "first"], self.do("ps", "-a", "--format", "{{.Names}}", check=0).out.split())

        def names(*flags):
            return set(self.do("ls", "--format", "{{.Names}}", *flags, check=0).out.split())
        for expected, flags in (
                ({"first"}, ["--filter", "label=a=b"]),
                ({"third"}, ["--filter", "status=exited"]),
                ({"third"}, ["-a", "--filter", "exited=3"]),
                ({"second"}, ["--filter", "network=none"]),
                ({"second"}, ["--filter", "volume=/data"]),
                ({"second"}, ["--filter", "name=^sec"]),
                ({"first", "second", "third"}, ["-a", "--filter", "ancestor=busybox:1"]),
                ({"first"}, ["--filter", "before=second"]),
                ({"third"}, ["-a", "--filter", "since=second"]),
                ({"first", "second"}, ["--filter", "health=none"]),
                ({"third"}, ["-l"]),
                ({"second", "third"}, ["-n", "2"])):
            self.assertEqual(expected, names(*flags), flags)
        ids = self.do("ls", "-q", check=0).out.split()
        self.assertEqual([12, 12], [len(one) for one in ids])
        self.assertEqual(64, len(self.do("ls", "-q", "--no-trunc", check=0).out.split()[0]))
        self.assertRegex(self.do("ls", "-s", check=0).out, r"SIZE\n.*\(virtual [0-9.]+[kM]?B\)")
        self.assertIn('did you mean "name"?', self.do("ls", "--filter", "nam=x", check=1).err)
        self.assertEqual(["Command", "CreatedAt", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Names", "Networks",
                          "Ports", "RunningFor", "Size", "State", "Status"], list(self.rows()["second"]))
        self.assertEqual(("none", "1"), (self.rows()["second"]["Networks"], self.rows()["second"]["LocalVolumes"]))
