"""Flags of Docker's commands on containers, images and networks, each by what it changes; and those that are taken though
they have no meaning here."""

import json
import os
import re
import signal
import subprocess

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal


class Containers(Case):
    def setUp(self):
        self.addCleanup(self.remove_all)

    def remove_all(self):
        self.berth("container", "rm", "-f", "-v", *self.berth("container", "ls", "-aq").out.split(), "none")

    def run_one(self, name, *words, flags=()):
        return self.berth("container", "run", "-d", "--name", name, *flags, "busybox:1", *(words or ["sleep", "1000"]), check=0).out.strip()

    def inspect(self, name, template):
        return self.berth("inspect", "-f", template, name, check=0).out.strip()

    def test_exec_in_the_background_with_a_terminal_or_with_all_privileges(self):
        self.run_one("it")
        self.assertEqual("", self.berth("container", "exec", "-d", "it", "sh", "-c", "echo done > /tmp/done", check=0).out)
        wait_until("it has run", lambda: self.berth("container", "exec", "it", "cat", "/tmp/done").out == "done\n")
        caps = lambda *flags: self.berth("container", "exec", *flags, "it", "grep", "CapEff", "/proc/self/status", check=0).out
        self.assertNotEqual(caps(), caps("--privileged"))
        for flags, answer in (([], "none"), (["-t"], "terminal")):
            with Terminal([BERTH, "container", "exec", *flags, "it", "sh", "-c", "test -t 0 && echo terminal || echo none"],
                          self.berth.home, self.berth.environment) as terminal:
                terminal.wait_for(answer)
                terminal.wait_exit()

    def test_attach_hands_signals_and_input_on_unless_told_otherwise(self):
        script = "trap 'echo got it' USR1; echo ready; while :; do read -t 1 line && echo read $line; done"
        for flags, proxied in (([], True), (["--no-sig-proxy"], False), (["--sig-proxy=false"], False)):
            self.run_one("it", "sh", "-c", script, flags=["-i"])
            with Terminal([BERTH, "container", "attach", *flags, "it"], self.berth.home, self.berth.environment) as terminal:
                terminal.type("one\n")
                terminal.wait_for("read one")
                os.kill(terminal.process.pid, signal.SIGUSR1)
                if proxied:
                    terminal.wait_for("got it")
                else:
                    self.assertNotEqual(0, terminal.wait_exit())
            self.assertEqual(proxied, "got it" in self.berth("container", "logs", "it", check=0).out, flags)
            self.remove_all()

    def test_run_hands_on_all_signals_that_programs_use(self):
        script = "trap 'echo got usr2; exit' USR2; echo up; while :; do sleep 1 & wait $!; done"
        with subprocess.Popen([BERTH, "container", "run", "--name", "it", "busybox:1", "sh", "-c", script], env=self.berth.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as run:
            self.assertEqual("up\n", run.stdout.readline())
            wait_until("it takes signals", lambda: int(re.search(r"SigBlk:\s*(\w+)", host.read(f"/proc/{run.pid}/status"))[1], 16)
                       & 1 << signal.SIGUSR2 - 1)
            run.send_signal(signal.SIGUSR2)
            self.assertEqual("got usr2\n", run.stdout.readline())

    def test_detach_keys_and_no_stdin(self):
        for verb in (["attach"], ["start", "-i"]):
            if verb == ["attach"]:
                self.run_one("it", "sh", flags=["-it"])
            else:
                self.berth("container", "create", "--name", "it", "-it", "busybox:1", "sh", check=0)
            with Terminal([BERTH, "container", *verb, "--detach-keys", "ctrl-x,x", "it"], self.berth.home, self.berth.environment) as terminal:
                terminal.type("echo a''nswer\n")
                terminal.wait_for("answer")
                terminal.type("\x18x")
                terminal.wait_exit()
            self.assertEqual("running", self.inspect("it", "{{.State.Status}}"))
            self.remove_all()
        self.run_one("it", "sh", "-c", "read -t 2 line; echo read $line; sleep 1000", flags=["-i"])
        with Terminal([BERTH, "container", "attach", "--no-stdin", "it"], self.berth.home, self.berth.environment) as terminal:
            terminal.type("words\n")
            terminal.wait_for("read *[\r\n]")

    def test_restart_says_that_it_has_no_signal_of_its_own(self):
        self.run_one("it")
        self.assertIn("--signal is not supported", self.berth("container", "restart", "--signal", "USR1", "it", check=1).err)

    def test_logs_end_where_they_are_told(self):
        self.run_one("it", "echo", "words")
        wait_until("it has ended", lambda: self.inspect("it", "{{.State.Status}}") == "exited")
        self.assertEqual("words\n", self.berth("container", "logs", "--details", "it", check=0).out)
        self.assertEqual("", self.berth("container", "logs", "--until", "2001-01-01", "it", check=0).out)

    def test_sizes_are_shown_if_asked(self):
        self.run_one("it")
        for how in (["inspect"], ["container", "inspect"]):
            sized = lambda *flags: "SizeRootFs" in self.berth(*how, *flags, "it", check=0).json()[0]
            self.assertFalse(sized())
            self.assertTrue(sized("--size"))

    def test_stats_of_containers(self):
        full = self.run_one("it")
        self.berth("container", "create", "--name", "created", "busybox:1", check=0)
        stats = lambda *flags: self.berth("container", "stats", "--no-stream", *flags, check=0).out
        self.assertEqual("it\n", stats("--format", "{{.Name}}"))
        self.assertEqual(["created", "it"], sorted(stats("--all", "--format", "{{.Name}}").split()))
        self.assertNotIn(full, stats("it"))
        self.assertIn(full, stats("--no-trunc", "it"))
        with Terminal([BERTH, "container", "stats", "it"], self.berth.home, self.berth.environment) as terminal:
            terminal.wait_for("it")
            self.assertIsNone(terminal.process.poll())

    def test_commit_writes_down_what_it_is_told(self):
        self.run_one("it")
        self.berth("container", "commit", "-a", "Ann", "-m", "a change", "-c", "ENV FROM=commit", "it", "made:1", check=0)
        self.assertEqual("Ann", self.inspect("made:1", "{{.Author}}"))
        self.assertEqual("a change", self.inspect("made:1", "{{.Comment}}"))
        self.assertIn("FROM=commit", self.inspect("made:1", "{{json .Config.Env}}"))
        self.berth("image", "rm", "-f", "made:1", check=0)

    def test_copies_follow_links_and_keep_owners(self):
        self.run_one("it", "sh", "-c", "echo text > /file; ln -s file /link; chown 12:34 /file; sleep 1000")
        wait_until("it is made", lambda: self.berth("container", "exec", "it", "stat", "/link").code == 0)
        place = os.path.join(self.berth.home, "copied")
        copy = lambda *words: self.berth("container", "cp", *words, check=0)
        wait_until("the owner is set", lambda: self.berth("container", "exec", "it", "stat", "-c", "%u", "/file").out == "12\n")
        copy("it:/link", place)
        self.assertTrue(os.path.islink(place))
        os.unlink(place)
        copy("-L", "it:/link", place)
        self.assertFalse(os.path.islink(place))
        os.unlink(place)
        copy("it:/file", place)
        self.assertEqual(0, os.stat(place).st_uid)
        copy("-a", "it:/file", place)
        self.assertEqual(12, os.stat(place).st_uid)


class Images(Case):
    def inspect(self, image, template):
        return self.berth("image", "inspect", "-f", template, image, check=0).out.strip()

    def tar(self):
        import busybox  # pylint: disable=import-outside-toplevel
        return busybox.image_tar()

    def test_import_writes_down_what_it_is_told(self):
        for how in (["import"], ["image", "import"]):
            self.berth(*how, "-m", "from a tar", "-c", "ENV HOW=imported", "--platform", "linux/riscv64", self.tar(), "imported:1", check=0)
            self.assertEqual("from a tar", self.inspect("imported:1", "{{.Comment}}"))
            self.assertIn("HOW=imported", self.inspect("imported:1", "{{json .Config.Env}}"))
            self.assertEqual("riscv64", self.inspect("imported:1", "{{.Architecture}}"))
            self.berth("image", "rm", "imported:1", check=0)

    def test_load_takes_the_platform_it_is_told(self):
        archive = os.path.join(self.berth.home, "saved.tar")
        self.berth("save", "-o", archive, "busybox:1", check=0)
        for how in (["load"], ["image", "load"]):
            self.berth(*how, "-i", archive, "--platform", "linux/amd64", check=0)
            self.assertIn("nonsense", self.berth(*how, "-i", archive, "--platform", "nonsense/a/b/c/d", check=1).err)
            other = self.berth(*how, "-i", archive, "--platform", "linux/s390x", check=1).err
            self.assertRegex(other, "no image for platform linux/s390x; .*busybox:1 is for linux/")

    def test_history_is_short_long_or_for_machines(self):
        folder = os.path.join(self.berth.home, "long")
        os.makedirs(folder)
        with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\nRUN echo " + "long " * 20 + "\n")
        self.berth("image", "build", "-t", "long:1", "--label", "from=flag", folder, check=0)
        self.assertEqual("flag", self.inspect("long:1", '{{index .Config.Labels "from"}}'))
        for how in (["history"], ["image", "history"]):
            history = lambda *flags: self.berth(*how, *flags, "long:1", check=0).out
            self.assertNotIn("long " * 20, history())
            self.assertIn("long " * 20, history("--no-trunc"))
            self.assertRegex(history(), "ago")
            self.assertRegex(history("--human=false"), r"\d{4}-\d\d-\d\dT")
            self.assertNotIn("echo", history("--quiet"))
            self.assertIn("echo", history("--format", "{{.CreatedBy}}"))
            self.assertNotIn("CREATED BY", history("--format", "{{.CreatedBy}}"))
        self.assertIn("sha256:", self.berth("image", "ls", "--no-trunc", check=0).out)
        self.assertNotIn("sha256:", self.berth("image", "ls", check=0).out)

    def test_what_is_used_goes_only_by_force(self):
        for how in (["image", "rm"], ["rmi"]):
            self.berth("import", "-c", "LABEL used=yes", self.tar(), "used:1", check=0)
            self.berth("container", "create", "--name", "user", "used:1", "sh", check=0)
            self.assertIn("is used by container user", self.berth(*how, "used:1", check=1).err)
            self.assertIn("Untagged", self.berth(*how, "--force", "used:1", check=0).out)
            self.berth("container", "rm", "user", check=0)


class Networks(Case):
    def inspect(self, template):
        return self.berth("network", "inspect", "-f", template, "roads", check=0).out.strip()

    def tearDown(self):
        self.berth("network", "rm", "roads")

    def test_create_takes_addresses_and_refuses_what_there_is_not(self):
        self.berth("network", "create", "--subnet", "10.78.0.0/24", "--gateway", "10.78.0.7", "--aux-address", "printer=10.78.0.8",
                   "--ipam-driver", "default", "roads", check=0)
        self.assertEqual("10.78.0.7", self.inspect("{{(index .IPAM.Config 0).Gateway}}"))
        self.assertIn("10.78.0.8", self.inspect("{{json .IPAM.Config}}"))
        full = self.inspect("{{.Id}}")
        self.assertNotIn(full, self.berth("network", "ls", check=0).out)
        self.assertIn(full, self.berth("network", "ls", "--no-trunc", check=0).out)
        for flag, value, named in (("--config-from", "other", "config"), ("--scope", "swarm", "scope"), ("--ipam-driver", "other", "ipam"),
                                   ("--ipv4", "maybe", "ipv4")):
            self.assertIn(named, self.berth("network", "create", f"{flag}={value}", "other", check=1).err)
        self.assertIn("config", self.berth("network", "create", "--config-only", "other", check=1).err)

    def test_connect_gives_addresses_links_and_options(self):
        self.berth("network", "create", "--subnet", "10.79.0.0/24", "--ipv6", "--subnet", "fd79::/64", "roads", check=0)
        for name in ("it", "friend"):
            self.berth("container", "run", "-d", "--name", name, "busybox:1", "sleep", "1000", check=0)
        self.addCleanup(lambda: self.berth("container", "rm", "-f", "it", "friend"))
        self.berth("network", "connect", "roads", "friend", check=0)
        self.berth("network", "connect", "--ip6", "fd79::9", "--link", "friend:buddy", "roads", "it", check=0)
        shown = json.loads(self.berth("inspect", "-f", "{{json .NetworkSettings.Networks.roads}}", "it", check=0).out)
        self.assertEqual("fd79::9", shown["GlobalIPv6Address"])
        self.assertEqual(["friend:buddy"], shown["Links"])
        self.berth("network", "disconnect", "roads", "it", check=0)
        self.berth("network", "connect", "--gw-priority", "7", "--driver-opt", "com.docker.network.endpoint.ifname=lane0", "roads", "it", check=0)
        shown = json.loads(self.berth("inspect", "-f", "{{json .NetworkSettings.Networks.roads}}", "it", check=0).out)
        self.assertEqual("lane0", shown["DriverOpts"]["com.docker.network.endpoint.ifname"])
        self.assertIn("default via 10.79.0.1", self.berth("container", "exec", "it", "ip", "route", check=0).out)
        self.assertIn("lane0", self.berth("container", "exec", "it", "ls", "/sys/class/net", check=0).out.split())
        self.berth("network", "disconnect", "--force", "roads", "it", check=0)
        self.berth("network", "disconnect", "roads", "friend", check=0)

    def test_a_network_has_addresses_of_both_kinds_if_asked(self):
        for flags, both in (([], "false"), (["--ipv6"], "true")):
            self.berth("network", "create", *flags, "roads", check=0)
            self.assertEqual(both, self.inspect("{{.EnableIPv6}}"))
            self.berth("network", "rm", "roads", check=0)


class Taken(Case):
    """Docker's, without meaning here: a script that has them goes on working."""

    def test_flags_of_builders_and_registries_that_mean_nothing_here(self):
        folder = os.path.join(self.berth.home, "app")
        os.makedirs(folder)
        with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\n")
        with open(os.path.join(folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write("name: taken\nservices: {app: {image: 'taken:1', build: .}}\n")
        self.berth("build", "-m", "1g", "--memory", "1g", "--builder", "x", "--compress", "--force-rm", "--no-rm", "--parallel",
                   "--provenance", "--sbom", cwd=folder, check=0)
        self.berth("image", "build", "-m", "1g", "--memory", "1g", "-c", "5", "--memory-swap", "2g", "--cpu-period", "1", "--cpu-quota", "1",
                   "--cpu-shares", "1", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--security-opt", "x", "--isolation", "default",
                   "--compress", "--rm", "--force-rm", "--disable-content-trust", "--builder", "x", folder, check=0)
        self.berth("pull", "--parallel", "--no-parallel", "--ignore-buildable", cwd=folder, check=0)
        self.berth("builder", "prune", "-a", "--all", "-f", check=0)
        self.berth("--verbose", "config", "-q", cwd=folder, check=0)
        self.assertIn("localhost:1", self.berth("image", "pull", "--disable-content-trust", "localhost:1/none:1", check=1).err)
        self.berth("tag", "taken:1", "localhost:1/none:1", check=0)
        self.assertIn("localhost:1", self.berth("image", "push", "--disable-content-trust", "localhost:1/none:1", check=1).err)
        self.assertIn("taken:1", self.berth("image", "ls", "-a", "--all", "--format", "{{.Repository}}:{{.Tag}}", check=0).out.split())
        for how in (["image", "rm"], ["rmi"]):
            self.berth("tag", "taken:1", "again:1", check=0)
            self.assertIn("Untagged", self.berth(*how, "--no-prune", "again:1", check=0).out)
        self.berth("network", "create", "--ipam-opt", "a=b", "taken", check=0)
        self.berth("container", "create", "--name", "taken", "--network", "taken", "busybox:1", check=0)
        self.assertIn("taken", self.berth("network", "inspect", "-v", "--verbose", "taken", check=0).out)
        for name in ("-f", "--force"):
            self.berth("network", "disconnect", name, "taken", "taken", check=0)
            self.berth("network", "connect", "taken", "taken", check=0)
        self.berth("container", "rm", "taken", check=0)
        self.berth("network", "rm", "taken", check=0)
