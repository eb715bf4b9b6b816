"""Flags of commands on what runs, of stacks and of any container, each by what it changes."""

import os
import signal
import subprocess

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

TWO = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "echo words of $$HOSTNAME; exec sleep 1000"]
        init: true
        stop_grace_period: 0s
        develop: {watch: [{path: ./src, action: sync, target: /src}]}
      db:
        image: busybox:1
        command: [sleep, "1000"]
        stop_grace_period: 0s
    """
ONE = TWO.split("      db:")[0]
# It takes a moment to end, and says so.
SLOW = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "trap 'sleep 0.2; echo ended >> /out/log; exit' TERM; touch /out/ready; while :; do sleep 0.02; done"]
        environment: {ROUND: "1"}
        stop_grace_period: 0s
        volumes: ["./out:/out"]
    """


class OfStacks(Case):
    def terminal(self, stack, *words):
        return Terminal([BERTH, *words], stack.folder, self.berth.environment)

    def test_commands_that_stop_wait_as_long_as_they_are_told(self):
        stack = self.stack(SLOW)
        out = os.path.join(stack.folder, "out")
        os.makedirs(out)

        def ready():
            wait_until("it listens for signals", lambda: os.path.exists(out + "/ready"))
            os.unlink(out + "/ready")

        name = f"{stack.name}-web-1"
        commands = (["stop"], ["container", "stop"], ["restart"], ["container", "restart"], ["up", "-d"], ["down"])
        for number, words in enumerate(commands, 1):
            stack("start" if number == 2 else "up", *(["-d"] if number != 2 else []), check=0)
            if words == ["up", "-d"]:
                stack.write(SLOW.replace('"1"', '"2"'))
            ready()
            stack(*words, "-t", "60", *([name] if words[0] == "container" else []), check=0)
            self.assertEqual(number, len(host.read(out + "/log").splitlines()), words)

    def test_without_a_terminal_if_so_asked(self):
        stack = self.stack(TWO)
        stack.up("web")
        look = ["web", "tty"]
        for words in (["exec"], ["run", "--rm"]):
            for flags, seen in (([], "/dev/pts/0"), (["-T"], "not a tty")):
                with self.terminal(stack, *words, *flags, *look) as terminal:
                    terminal.wait_for(seen)  # what `run` says of its container may come before or after
                    terminal.wait_exit()

    def test_one_off_containers_have_labels_and_are_shown_and_written_to_only_if_asked(self):
        stack = self.stack(TWO)
        stack.up()
        name = stack("run", "-d", "-T", "--name", "aside", "--label", "colour=red", "--label", "com.example=x", "web", "sleep", "1000",
                     check=0).out.strip()
        self.addCleanup(self.berth, "container", "rm", "-f", "aside")
        self.assertTrue(name)
        self.assertEqual("red x\n", self.berth("inspect", "-f", '{{.Config.Labels.colour}} {{index .Config.Labels "com.example"}}', "aside",
                                               check=0).out)
        names = lambda *flags: stack("ps", *flags, "--format", "{{.Name}}", check=0).out.split()
        self.assertNotIn("aside", names())
        self.assertIn("aside", names("--all"))
        with open(os.path.join(stack.folder, "note"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        is_there = lambda: self.berth("container", "exec", "aside", "cat", "/note").code == 0
        stack("cp", "note", "web:/note", check=0)
        self.assertFalse(is_there())
        stack("cp", "--all", "note", "web:/note", check=0)
        self.assertTrue(is_there())

    def test_kill_takes_orphans_along_only_if_asked(self):
        stack = self.stack(TWO)
        stack.up()
        stack.write(ONE)
        stack("kill", check=0)
        wait_until("what is no orphan has ended", lambda: stack.ps()["web"]["State"] == "exited")
        self.berth("container", "exec", stack.name + "-db-1", "true", check=0)
        stack("kill", "--remove-orphans", check=0)
        self.assertNotIn("db", stack.ps())

    def test_orphans_are_spared_by_what_names_no_service(self):
        stack = self.stack(TWO)
        stack.up()
        self.addCleanup(stack, "down", "--remove-orphans", "-t", "0")
        stack.write(ONE)
        orphan = stack.name + "-db-1"
        began = self.berth("inspect", "-f", "{{.State.StartedAt}}", orphan, check=0).out
        for command in (["pause"], ["unpause"], ["stop", "-t", "0"], ["start"], ["restart", "-t", "0"], ["rm", "-fs"]):
            with self.subTest(command=command):
                stack(*command, check=0)
                self.berth("container", "exec", orphan, "true", check=0)  # neither paused nor stopped
                self.assertEqual(began, self.berth("inspect", "-f", "{{.State.StartedAt}}", orphan, check=0).out)
        self.assertNotIn("web", stack.ps())

    def test_logs_have_colours_on_a_terminal_only_if_they_may(self):
        stack = self.stack(TWO)
        stack.up()
        wait_until("it has spoken", lambda: "words" in stack("logs", check=0).out)
        for flags, colours in (([], True), (["--no-color"], False)):
            with self.terminal(stack, "logs", *flags) as terminal:
                terminal.wait_exit()
                self.assertIn("words of", terminal.text)
                self.assertEqual(colours, "\x1b[" in terminal.text.split("words")[0], flags)

    def test_what_would_be_started_or_go_on_or_be_watched_is_only_told(self):
        stack = self.stack(TWO)
        os.makedirs(os.path.join(stack.folder, "src"))
        stack("create", check=0)
        told = lambda *words: stack(words[0], "--dry-run", *words[1:], check=0).out
        self.assertIn("start container", told("start"))
        self.assertEqual({"created"}, {row["State"] for row in stack.ps().values()})
        self.assertIn('for service "web": sync to /src', told("watch"))
        stack("start", check=0)
        stack("pause", check=0)
        self.assertIn("unpause container", told("unpause"))
        self.assertEqual({"paused"}, {row["State"] for row in stack.ps().values()})
        stack("unpause", check=0)

    def test_ids_in_stats_are_whole_if_so_asked(self):
        stack = self.stack(TWO)
        stack.up("db")
        whole = stack("ps", "-q", "--no-trunc", "db", check=0).out.strip()
        self.assertRegex(whole, "^[0-9a-f]{64}$")
        self.assertNotIn(whole, stack("stats", "--no-stream", check=0).out)
        self.assertIn(whole, stack("stats", "--no-stream", "--no-trunc", check=0).out)

    def test_index_chooses_what_is_exported_and_committed(self):
        stack = self.stack(TWO)
        stack.up("--scale", "web=2", "web")
        stack("exec", "-T", "--index", "2", "web", "touch", "/second", check=0)
        stack("export", "--index", "2", "-o", "out.tar", "web", check=0)
        listed = subprocess.run(["tar", "-tf", "out.tar"], cwd=stack.folder, stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn("second\n", listed)
        stack("commit", "--index", "2", "web", "second:1", check=0)
        self.berth("container", "run", "--rm", "second:1", "test", "-e", "/second", check=0)
        self.berth("rmi", "-f", "second:1", check=0)

    def test_a_container_stands_still_while_it_is_committed_unless_it_must_not(self):
        stack = self.stack(TWO)
        stack.up("web")
        trace = os.path.join(stack.folder, "trace")

        def froze(*words):
            with open(trace, "w", encoding="utf-8"):
                pass
            subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=openat", BERTH, *words], cwd=stack.folder, env=self.berth.environment,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=60 * host.PATIENCE)
            return "freez" in host.read(trace)

        for words, what in ((["commit"], "web"), (["container", "commit"], f"{stack.name}-web-1")):
            for flags, frozen in (([], True), (["--no-pause"], False), (["--no-pause", "--pause"], True), (["--no-pause", "-p"], True)):
                self.assertEqual(frozen, froze(*words, *flags, what, "still:1"), (words, flags))
        self.berth("rmi", "-f", "still:1", check=0)

    def attach(self, stack, *words):
        process = subprocess.Popen([BERTH, "attach", *words], cwd=stack.folder, env=self.berth.environment, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_attach_hands_on_input_and_signals_only_if_it_may(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                stdin_open: true
                stop_grace_period: 0s
                command: [sh, -c, "trap 'echo bye; exit 9' TERM; while :; do echo tick; read -t 1 line && echo got $$line; done"]
            """)
        stack.up()
        for flag in ("--no-sig-proxy", "--sig-proxy=false"):
            quiet = self.attach(stack, flag, "web")
            self.assertEqual("tick\n", quiet.stdout.readline())
            quiet.send_signal(signal.SIGTERM)
            self.assertEqual(130, quiet.wait(timeout=20 * host.PATIENCE))
        deaf = self.attach(stack, "--no-stdin", "web")
        deaf.stdin.write("first\n")
        deaf.stdin.flush()
        self.assertEqual("tick\n", deaf.stdout.readline())
        heard = self.attach(stack, "web")
        heard.stdin.write("second\n")
        heard.stdin.flush()
        wait_until("it has read", lambda: "got second" in stack("logs", "web", check=0).out)
        self.assertNotIn("first", stack("logs", "web", check=0).out)


class OfAny(Case):
    """`container …`."""

    def setUp(self):
        self.addCleanup(lambda: self.do("rm", "-f", "-v", *self.do("ls", "-aq").out.split(), "none"))

    def do(self, *words, **options):
        return self.berth("container", *words, **options)

    def test_exec_in_the_background_leaves_the_command_running(self):
        self.do("run", "-d", "--name", "it", "busybox:1", "sleep", "1000", check=0)
        done = self.do("exec", "-d", "it", "sh", "-c", "touch /begun; exec sleep 1000", check=0, timeout=20)
        self.assertEqual("", done.out)
        wait_until("it runs", lambda: self.do("exec", "it", "test", "-e", "/begun").code == 0)

    def test_kill_sends_the_signal_that_it_is_told(self):
        self.do("run", "-d", "--name", "it", "busybox:1", "sh", "-c",
                "trap 'echo got usr1; exit 3' USR1; echo ready; while :; do sleep 0.02; done", check=0)
        wait_until("it listens", lambda: "ready" in self.do("logs", "it").out)
        self.do("kill", "--signal", "USR1", "it", check=0)
        self.assertEqual("3\n", self.do("wait", "it", check=0).out)

    def test_logs_go_on_if_so_asked(self):
        self.do("run", "-d", "--name", "it", "busybox:1", "sh", "-c", "echo one; while ! test -e /go; do sleep 0.02; done; echo two", check=0)
        with subprocess.Popen([BERTH, "container", "logs", "-f", "it"], env=self.berth.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as logs:
            self.assertEqual("one\n", logs.stdout.readline())
            wait_until("it runs", lambda: self.do("inspect", "-f", "{{.State.Status}}", "it").out == "running\n")
            self.do("exec", "-d", "it", "touch", "/go", check=0)
            self.assertEqual("two\n", logs.stdout.read())

    def test_a_link_cannot_be_removed(self):
        self.do("create", "--name", "it", "busybox:1", check=0)
        self.assertIn("--link is not supported", self.do("rm", "--link", "it", check=1).err)

    def test_copying_is_told_unless_it_may_not(self):
        self.do("create", "--name", "it", "busybox:1", check=0)
        for flags, words in (([], "copied"), (["--quiet"], "")):
            said = self.do("cp", *flags, "it:/etc/passwd", self.berth.home, check=0).err
            self.assertEqual(bool(words), words in said.lower() and said != "", flags)
