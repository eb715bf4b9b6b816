"""How containers are brought to their end: who is waited for, for how long, and who is not."""

import json
import os
import signal
import tarfile
import unittest

import attacks
import host
from harness import Case, wait_until


# Without it a kernel does not tell whether a process waits for signals, and berth waits for every process.
needs_syscall_file = unittest.skipUnless(os.path.exists("/proc/self/syscall"), "this kernel has no /proc/PID/syscall")


def import_images(berth):
    berth.import_busybox()
    path = os.path.join(berth.home, "signals.tar")
    with tarfile.open(path, "w") as tar:
        tar.add(attacks.compiled("signals.c"), "signals")
    berth("import", "--change", 'ENTRYPOINT ["/signals"]', path, "signals:1", check=0)


class Stopping(Case):
    images = staticmethod(import_images)

    def waits(self, way, more="", grace="1h"):
        """A service whose first process waits for its signal in a way of its own. One that is not heard is waited for so long."""
        stack = self.stack(f"""
            services:
              web:
                {{image: "signals:1", command: [{way}], stop_grace_period: {grace}, environment: {{BERTH_TEST_MARK: %MARK%-web}}, {more}}}
            """, f"{way or 'none'}{len(more)}")
        stack.up()
        if way != "late":
            wait_until("it is ready", lambda: "ready" in stack("logs", "web", check=0).out)
        return stack

    def events(self, stack):
        with open(os.path.join(self.berth.run, "events"), encoding="utf-8") as file:
            return [event for event in map(json.loads, file) if event["project"] == stack.name]

    @needs_syscall_file
    def test_a_process_without_a_handler_is_not_waited_for_and_a_hint_says_why(self):
        stack = self.waits("none")
        outcome = stack("stop", check=0)
        self.assertEqual(137, stack.ps()["web"]["ExitCode"])
        self.assertRegex(outcome.err, "none0-web-1.*no handler.*init: true")

    @needs_syscall_file
    def test_a_process_that_ignores_its_signal_is_not_waited_for(self):
        stack = self.stack("""
            services:
              web: {image: "busybox:1", command: [sh, -c, "trap '' TERM; echo ready; while :; do sleep 0.05; done"], stop_grace_period: 1h}
            """)
        stack.up()
        wait_until("it is ready", lambda: "ready" in stack("logs", "web", check=0).out)
        stack("stop", check=0)
        self.assertEqual(137, stack.ps()["web"]["ExitCode"])

    def test_whoever_waits_for_the_signal_in_whatever_way_is_waited_for(self):
        for way in ("sigwait", "signalfd", "once"):
            with self.subTest(way):
                stack = self.waits(way)
                outcome = stack("stop", check=0)
                self.assertEqual(7, stack.ps()["web"]["ExitCode"])
                self.assertNotIn("handler", outcome.err)

    def test_one_that_has_just_been_started_may_install_its_handler_yet(self):
        stack = self.waits("late")
        stack("stop", check=0)
        self.assertEqual(7, stack.ps()["web"]["ExitCode"])

    def test_an_init_passes_the_signal_on(self):
        stack = self.waits("none", "init: true")
        outcome = stack("stop", check=0)
        self.assertEqual(143, stack.ps()["web"]["ExitCode"])
        self.assertNotIn("handler", outcome.err)

    def test_a_process_that_is_not_the_first_of_a_namespace_ends_by_the_signal(self):
        stack = self.waits("none", "pid: host")
        outcome = stack("stop", check=0)
        self.assertEqual(143, stack.ps()["web"]["ExitCode"])
        self.assertNotIn("handler", outcome.err)

    def test_a_grace_period_is_kept_to_the_millisecond(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sh, -c, "trap ':' TERM; echo ready; while :; do sleep 0.01; done"]
                stop_grace_period: 250ms
            """)
        stack.up()
        wait_until("it is ready", lambda: "ready" in stack("logs", "web", check=0).out)
        stack("stop", check=0)
        self.assertEqual(137, stack.ps()["web"]["ExitCode"])
        kills = [(event["attributes"]["signal"], event["time_ns"]) for event in self.events(stack) if event["action"] == "kill"]
        self.assertEqual(["15", "9"], [number for number, _ in kills])
        self.assertGreaterEqual(kills[1][1] - kills[0][1], 250_000_000)

    def test_one_that_stands_still_is_killed_when_its_time_is_over(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"]
                stop_grace_period: 100ms
                environment: {BERTH_TEST_MARK: %MARK%-web}
            """)
        stack.up()
        wait_until("it is ready", lambda: "ready" in stack("logs", "web", check=0).out)
        os.kill(stack.pid("web"), signal.SIGSTOP)
        stack("stop", check=0)
        self.assertEqual(137, stack.ps()["web"]["ExitCode"])

    def test_one_that_sleeps_in_the_kernel_is_killed_when_its_time_is_over(self):
        for command in (["stop"], ["kill"], ["down"]):
            with self.subTest(command[0]):
                stack = self.waits("deep", grace="100ms")
                pid = stack.pid("web")
                wait_until("it sleeps", lambda pid=pid: host.read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0] == "D")
                stack(*command, check=0)
                wait_until("it is dead", lambda pid=pid: not host.is_alive(pid))
                if command != ["down"]:
                    wait_until("its end is known", lambda stack=stack: stack.ps()["web"]["State"] == "exited")
                    self.assertEqual(137, stack.ps()["web"]["ExitCode"])
                stack("down", check=0)

    def test_dependents_stop_first(self):
        stack = self.stack("""
            services:
              db:
                image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.01; done"]
              web:
                image: busybox:1
                command: [sh, -c, "trap 'sleep 0.2; exit 0' TERM; while :; do sleep 0.01; done"]
                depends_on: [db]
            """)
        stack.up()
        stack("stop", check=0)
        order = [(event["service"], event["action"]) for event in self.events(stack) if event["action"] in ("kill", "die")]
        self.assertEqual([("web", "kill"), ("web", "die"), ("db", "kill"), ("db", "die")], order)
