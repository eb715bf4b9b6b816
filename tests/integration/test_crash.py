"""kill -9 of berth's helpers: the containers do not notice, and the next command finds everything as it should be."""

import glob
import json
import os
import shutil
import signal
import subprocess

import host
from harness import BERTH, Berth, Case, wait_until

STACK = """
    services:
      web:
        image: busybox:1
        command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        ports: ["18932:80"]
      count:
        image: busybox:1
        command: ["sh", "-c", "i=0; while :; do i=$$((i+1)); echo line $$i; usleep 20000; done"]
        environment: {BERTH_TEST_MARK: %MARK%-count}
        stop_grace_period: 0s
        volumes: ["data:/data"]
    volumes: {data: }
"""


class Crash(Case):
    def lines(self, stack):
        text = stack("logs", "--no-log-prefix", "--no-color", "count", check=0).out
        return [int(line.split()[1]) for line in text.splitlines()]

    def check_everything_works(self, stack, pids):
        self.assertTrue(all(host.is_alive(pid) for pid in pids), "the containers run on")
        self.assertEqual({"running"}, {row["State"] for row in stack.ps().values()})
        self.assertEqual("hi", stack.exec("web", "echo", "hi"))
        self.assertEqual(pids, [stack.pid("web"), stack.pid("count")])

    def crash(self, *helpers):
        before = host.snapshot()
        stack = self.stack(STACK)
        stack.up()
        pids = [stack.pid("web"), stack.pid("count")]
        wait_until("some lines are logged", lambda: len(self.lines(stack)) > 5)
        for helper in helpers:
            self.assertEqual(1, len(self.berth.helpers(helper)), helper)
        self.berth.kill_helpers(*helpers)
        at_crash = len(self.lines(stack))
        self.check_everything_works(stack, pids)
        # A writing command brings the helpers back; from then on names are answered and lines are logged again.
        stack.up()
        self.check_everything_works(stack, pids)
        wait_until("names are answered again", lambda: "it works" in stack.sh("count", "timeout 2 wget -qO- http://web/ 2>&1 || true"))
        wait_until("lines are logged again", lambda: len(self.lines(stack)) > at_crash + 10)
        lines = self.lines(stack)
        self.assertEqual(list(range(1, len(lines) + 1)), lines, "no line is lost, doubled or torn")
        stack("down", "-v", "-t", "0", check=0)
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_the_supervisor_is_killed(self):
        self.crash("berth-supervisor")

    def test_the_keeper_is_killed(self):
        self.crash("berth-keeper")

    def test_both_are_killed(self):
        self.crash("berth-keeper", "berth-supervisor")

    def test_down_alone_works_after_both_are_killed(self):
        before = host.snapshot()
        stack = self.stack(STACK)
        stack.up()
        pids = [stack.pid("web"), stack.pid("count")]
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        stack("down", "-v", "-t", "0", check=0)
        self.assertFalse(any(host.is_alive(pid) for pid in pids))
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_a_container_that_ended_meanwhile_is_known_to_have_ended(self):
        stack = self.stack("""
            services:
              it:
                image: busybox:1
                command: ["sh", "-c", "echo last words; while [ ! -e /go ]; do usleep 20000; done; exit 6"]
                environment: {BERTH_TEST_MARK: %MARK%-it}
            """)
        stack.up()
        pid = stack.pid("it")
        self.berth.kill_helpers("berth-supervisor")
        stack.let_go("it")
        wait_until("the container has ended", lambda: not host.is_alive(pid))
        wait_until("its exit code is known", lambda: (stack.ps()["it"]["State"], stack.ps()["it"]["ExitCode"]) == ("exited", 6))
        self.assertIn("last words", stack("logs").out)

    def test_the_supervisor_leaves_when_nothing_is_left_to_look_after(self):
        stack = self.stack(STACK)
        stack.up()
        stack("down", "-v", "-t", "0", check=0)
        wait_until("the helpers have left", lambda: not self.berth.helpers("berth-supervisor") and not self.berth.helpers("berth-keeper"))

    def test_a_start_that_was_never_written_down_is_taken_back(self):
        """As a supervisor leaves it that is killed right after the clone."""
        stack = self.stack(STACK)
        stack.up()
        lost = stack.pid("count")
        self.berth.kill_helpers("berth-supervisor", "berth-keeper")
        identifier = stack.ps()["count"]["ID"]
        (path,) = glob.glob(f"{self.berth.run}/containers/{identifier}*/state.json")
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        state["status"], state["process"] = "created", {"pid": 0, "start_time": 0}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)
        stack.up()
        self.assertFalse(host.is_alive(lost))
        self.assertNotEqual(lost, stack.pid("count"))
        self.assertEqual({"running"}, {row["State"] for row in stack.ps().values()})

    def test_a_supervisor_that_never_comes_up_ends_the_command_with_its_last_words(self):
        folder = os.path.join(self.berth.home, "programs")
        os.mkdir(folder)
        for name in ("berth", "berth-keeper"):
            shutil.copy(os.path.join(os.path.dirname(BERTH), name), folder)
        with open(os.path.join(folder, "berth-supervisor"), "w", encoding="ascii", opener=lambda *to: os.open(*to, 0o755)) as program:
            program.write("#!/bin/sh\necho berth-supervisor: out of luck >&2\nexit 1\n")
        berth = Berth()
        self.addCleanup(berth.discard)
        done = subprocess.run([os.path.join(folder, "berth"), "-p", "none", "down"], env=berth.environment, capture_output=True, text=True,
                              cwd=self.stack(STACK).folder, timeout=60 * host.PATIENCE, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("no supervisor comes up: berth-supervisor: out of luck", done.stderr)
        wait_until("the helpers have gone", lambda: not berth.helpers("berth-keeper") + berth.helpers("berth-supervisor"))
        self.assertFalse(os.path.exists(os.path.join(berth.run, "supervisor.sock")))

    def test_how_a_container_ended_is_known_though_its_keeper_died(self):
        """Whichever of the two goes first, the keeper or the container; as unknown, where the kernel has forgotten it."""
        code = 6 if host.remembers_ends() else 255
        for killed_first in (True, False):
            with self.subTest(killed_first=killed_first):
                stack = self.stack("""
                    services:
                      it:
                        image: busybox:1
                        command: ["sh", "-c", "echo last words; while [ ! -e /go ]; do usleep 20000; done; exit 6"]
                        environment: {BERTH_TEST_MARK: %MARK%-it}
                    """)
                stack.up()
                pid = stack.pid("it")
                if killed_first:
                    self.berth.kill_helpers("berth-keeper")
                    stack.let_go("it")
                else:
                    (keeper,) = self.berth.helpers("berth-keeper")
                    os.kill(keeper, signal.SIGSTOP)
                    stack.let_go("it")
                    wait_until("the container has ended", lambda pid=pid: not host.is_alive(pid))
                    self.berth.kill_helpers("berth-keeper")
                wait_until("its exit code is known",
                           lambda stack=stack: (stack.ps()["it"]["State"], stack.ps()["it"]["ExitCode"]) == ("exited", code))
                self.assertIn("last words", stack("logs").out)
                stack("down", check=0)

    def test_what_a_container_said_is_known_though_its_keeper_died_before_it_and_could_not_look(self):
        """The last words of one that ends while there is no keeper, and those that a keeper that stands still has not read."""
        stack = self.stack("""
            services:
              it:
                image: busybox:1
                command: ["sh", "-c", "while [ ! -e /go ]; do usleep 20000; done; echo last words"]
                environment: {BERTH_TEST_MARK: %MARK%-it}
            """)
        stack.up()
        pid = stack.pid("it")
        (keeper,), (supervisor,) = self.berth.helpers("berth-keeper"), self.berth.helpers("berth-supervisor")
        os.kill(keeper, signal.SIGSTOP)
        os.kill(supervisor, signal.SIGSTOP)
        stack.let_go("it")
        wait_until("the container has ended", lambda: not host.is_alive(pid))
        self.berth.kill_helpers("berth-keeper")
        os.kill(supervisor, signal.SIGCONT)
        wait_until("its last words are logged", lambda: "last words" in stack("logs").out)

    def test_helpers_that_nobody_asks_for_anything_leave(self):
        """As those of a command that is killed before it could."""
        keeper, supervisor = (os.path.join(os.path.dirname(BERTH), name) for name in ("berth-keeper", "berth-supervisor"))
        os.makedirs(self.berth.run, exist_ok=True)
        with subprocess.Popen([keeper, self.berth.run, supervisor], env=self.berth.environment, start_new_session=True):
            wait_until("they are there", lambda: self.berth.helpers("berth-supervisor"))
            wait_until("they have left", lambda: not self.berth.helpers("berth-supervisor") and not self.berth.helpers("berth-keeper"))

    def test_a_bridge_that_is_half_made_is_finished(self):
        """As a supervisor leaves it that is killed between making and configuring it."""
        stack = self.stack("services: {web: {image: busybox:1, command: [sleep, infinity], stop_grace_period: 0s}}")
        stack.up()
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        (bridge,) = [link for link in os.listdir("/sys/class/net") if link.startswith("br-")]
        for words in (["link", "set", bridge, "down"], ["address", "flush", "dev", bridge]):
            subprocess.run(["ip", *words], check=True)
        stack.up("--force-recreate")
        gateway = stack.exec("web", "ip", "route").split()[2]  # default via ...
        self.assertIn("1 packets received", stack.exec("web", "ping", "-c", "1", gateway))

    def test_a_torn_state_file_is_named_and_skipped(self):
        stack = self.stack(STACK)
        stack.up()
        folder = os.path.join(self.berth.root, "containers", "0" * 64)
        os.makedirs(folder)
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            file.write('{"torn')
        self.assertEqual({"web", "count"}, set(stack.ps()))
        stack("down", "-v", "-t", "0", check=0)
        os.unlink(os.path.join(folder, "config.json"))
        os.rmdir(folder)
