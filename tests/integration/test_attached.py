"""`berth up` in the foreground of a terminal."""

import signal

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

TALKERS = """
    services:
      one:
        image: busybox:1
        command: ["sh", "-c", "trap 'echo one ends well; exit 0' TERM; i=0; while :; do i=$$((i+1)); echo tick $$i; sleep 0.1; done"]
        environment: {BERTH_TEST_MARK: %MARK%-one}
      second:
        image: busybox:1
        command: ["sh", "-c", "trap 'echo second ends well; exit 0' TERM; while :; do echo tock; sleep 0.1; done"]
        environment: {BERTH_TEST_MARK: %MARK%-second}
"""


class Attached(Case):
    def up(self, stack, *arguments):
        return Terminal([BERTH, "up", *arguments], stack.folder, self.berth.environment)

    def test_lines_are_interleaved_with_coloured_aligned_prefixes(self):
        with self.up(self.stack(TALKERS)) as terminal:
            terminal.wait_for(r"tick 3")
            terminal.wait_for("tock")
            terminal.wait_for(r"\x1b\[[0-9;]*mone-1 ")
            self.assertRegex(terminal.plain, r"(?m)^one-1     \| tick 1$")
            self.assertRegex(terminal.plain, r"(?m)^second-1  \| tock$")
            terminal.type("\x03")
            terminal.wait_exit()

    def test_ctrl_c_stops_gracefully_and_keeps_the_containers(self):
        stack = self.stack(TALKERS)
        with self.up(stack) as terminal:
            terminal.wait_for("tick 2")
            terminal.wait_for("tock")
            terminal.type("\x03")
            self.assertIn(terminal.wait_exit(), (0, 130))
            self.assertIn("one ends well", terminal.plain)
            self.assertIn("second ends well", terminal.plain)
        rows = stack.ps()
        self.assertEqual({"exited"}, {row["State"] for row in rows.values()})
        self.assertEqual({0}, {row["ExitCode"] for row in rows.values()})

    def test_ctrl_c_that_comes_too_late_to_cancel_stops_what_was_started(self):
        stack = self.stack("""
            services:
              one:
                image: busybox:1
                command: ["sh", "-c", "trap 'exit 0' TERM; echo waiting; while :; do sleep 0.05; done"]
                healthcheck: {test: [CMD, test, -e, /go], interval: 0.1s, retries: 100}
                environment: {BERTH_TEST_MARK: %MARK%-one}
              two:
                image: busybox:1
                command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]
                environment: {BERTH_TEST_MARK: %MARK%-two}
                depends_on: {one: {condition: service_healthy}}
            """)
        with self.up(stack) as terminal:
            terminal.wait_for("waiting")
            terminal.process.send_signal(signal.SIGSTOP)
            stack.let_go("one")
            stack.pid("two")
            stack.up()  # waits until the first one is done: its answer is on its way, but nobody has read it
            terminal.process.send_signal(signal.SIGINT)
            terminal.process.send_signal(signal.SIGCONT)
            self.assertEqual(130, terminal.wait_exit())
        self.assertEqual({"exited"}, {row["State"] for row in stack.ps().values()})

    def test_a_second_ctrl_c_kills(self):
        stack = self.stack("""
            services:
              deaf:
                image: busybox:1
                command: ["sh", "-c", "trap 'echo I do not listen' TERM; echo started; while :; do sleep 0.05; done"]
                environment: {BERTH_TEST_MARK: %MARK%-deaf}
                stop_grace_period: 100s
            """)
        with self.up(stack) as terminal:
            terminal.wait_for("started")
            pid = stack.pid("deaf")
            terminal.type("\x03")
            terminal.wait_for("I do not listen")
            self.assertTrue(host.is_alive(pid))
            terminal.type("\x03")
            terminal.wait_exit(seconds=20)
        wait_until("the container is dead", lambda: not host.is_alive(pid))
        self.assertEqual(137, stack.ps()["deaf"]["ExitCode"])

    def test_up_ends_when_all_containers_have_ended(self):
        stack = self.stack("services: {brief: {image: busybox:1, command: [sh, -c, 'echo bye; exit 3']}}")
        with self.up(stack) as terminal:
            terminal.wait_exit()
            self.assertRegex(terminal.plain, r"brief-1 +\| bye")
            self.assertRegex(terminal.plain, r"brief-1 exited with code 3")

    def test_a_restart_or_a_recreation_by_somebody_else_is_no_end(self):
        stack = self.stack("""
            services:
              one: {image: busybox:1, command: [sh, -c, "echo begins; exec sleep 1000"], stop_grace_period: 0s}
            """)
        for flags in ([], ["--abort-on-container-exit"]):
            for command in (["restart"], ["up", "-d", "--force-recreate"]):
                with self.subTest(flags=flags, command=command), self.up(stack, *flags) as terminal:
                    terminal.wait_for("begins")
                    stack(*command, check=0)
                    terminal.wait_for(r"begins[\s\S]*begins")
                    stack("kill", check=0)
                    terminal.wait_exit()
                stack("down", "-t", "0", check=0)

    def test_exit_code_from_passes_the_code_on(self):
        stack = self.stack("""
            services:
              test: {image: busybox:1, command: [sh, -c, "exit 9"]}
              other: {image: busybox:1, command: [sleep, "1000"], stop_grace_period: 0s}
            """)
        with self.up(stack, "--exit-code-from", "test") as terminal:
            self.assertEqual(9, terminal.wait_exit())
        self.assertEqual("exited", stack.ps()["other"]["State"])
