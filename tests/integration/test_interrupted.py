"""Signals to `up` in each of its phases: nothing is left that the user did not ask for, and nothing hangs."""

import signal

import host
from background import Background
from harness import BERTH, Case, wait_until
from terminal import Terminal

SLOW = """
    services:
      first:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-first}
        stop_grace_period: 0s
        healthcheck: {test: [CMD, test, -e, /go], interval: 0.1s, retries: 10000}
      stubborn:
        image: busybox:1
        command: ["sh", "-c", "trap : TERM; touch /up; while :; do sleep 0.05; done"]
        environment: {BERTH_TEST_MARK: %MARK%-stubborn}
        stop_grace_period: 1000s
      last:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-last}
        stop_grace_period: 0s
        depends_on: {first: {condition: service_healthy}}
    """


class Interrupted(Case):
    def setUp(self):
        self.host = host.snapshot()

    def assert_nothing_left(self):
        self.assertEqual([], host.differences_once_settled(self.host, self.berth))

    def without_stubborn(self):
        at, end = SLOW.index("      stubborn:"), SLOW.index("      last:")
        return SLOW[:at] + SLOW[end:]

    def waits(self, text):
        """An `up -d` that waits for `first` to be healthy."""
        stack = self.stack(text)
        up = Background(stack, "up", "-d")
        self.addCleanup(up.__exit__)
        stack.pid("first")
        return stack, up

    def test_one_signal_takes_back_what_was_made(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                stack, up = self.waits(self.without_stubborn())
                up.send(number)
                self.assertEqual(130, up.wait())
                self.assertEqual({}, stack.ps())
                self.assert_nothing_left()

    def test_a_second_one_ends_the_command_and_the_rest_is_taken_back_behind_its_back(self):
        stack, up = self.waits(SLOW)
        wait_until("it has its trap", lambda: stack("exec", "-T", "stubborn", "test", "-e", "/up").code == 0)
        up.interrupt()
        wait_until("the others are taken back", lambda: set(stack.ps()) == {"stubborn"})
        up.interrupt()
        self.assertEqual(130, up.wait())
        # Whoever ends the stop that is going on lets the rest be taken back.
        stack("kill", check=0)
        wait_until("all is taken back", lambda: stack.ps() == {})
        stack("down", check=0)
        self.assert_nothing_left()

    def test_three_at_once_are_as_good_as_two(self):
        stack, up = self.waits(self.without_stubborn())
        for _ in range(3):
            if up.process.poll() is None:
                up.interrupt()
        self.assertEqual(130, up.wait())
        wait_until("all is taken back", lambda: stack.ps() == {})
        self.assert_nothing_left()

    def test_a_terminal_that_goes_away_leaves_what_is_going_on_to_end(self):
        stack = self.stack(self.without_stubborn())
        with Terminal([BERTH, "up"], stack.folder, self.berth.environment) as terminal:
            stack.pid("first")
            terminal.process.send_signal(signal.SIGHUP)
            self.assertEqual(-signal.SIGHUP, terminal.process.wait(20 * host.PATIENCE))
        stack.let_go("first")
        wait_until("the last one runs", lambda: stack.ps().get("last", {}).get("State") == "running")
        stack("down", check=0)
        self.assert_nothing_left()

    def test_one_that_is_stopped_and_continued_goes_on(self):
        stack, up = self.waits(self.without_stubborn())
        up.send(signal.SIGSTOP)  # no shell would continue it after SIGTSTP: it has a session of its own
        stack.let_go("first")
        wait_until("the last one runs", lambda: stack.ps().get("last", {}).get("State") == "running")
        self.assertIsNone(up.process.poll())
        up.send(signal.SIGCONT)
        self.assertEqual(0, up.wait())

    def test_signals_at_any_moment_leave_all_or_nothing(self):
        """As soon as each of its messages is there."""
        for words in ("Network", "first-1  Creating", "first-1  Created", "first-1  Starting", "first-1  Started"):
            with self.subTest(at=words):
                stack = self.stack(self.without_stubborn(), "anymoment")
                with Background(stack, "up", "-d") as up:
                    up.wait_for(words)
                    up.interrupt()
                    self.assertEqual(130, up.wait(), up.text)
                self.assertEqual({}, stack.ps())
                self.assert_nothing_left()
