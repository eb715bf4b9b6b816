"""What a person sees while `up`, `down` and the like work: in place on a terminal, line by line elsewhere."""

import json
import re
import signal

from harness import BERTH, Case
from terminal import Terminal, Window

PAIR = """
    services:
      a:
        image: busybox:1
        command: [sleep, "100000"]
        init: true
      with-a-long-name:
        image: busybox:1
        command: [sleep, "100000"]
        init: true
        depends_on: [a]
    """


class Progress(Case):
    def on_terminal(self, stack, *arguments, environment=None, **size):
        return Terminal([BERTH, *arguments], stack.folder, {**self.berth.environment, **(environment or {})}, **size)

    def test_a_line_for_each_thing_with_its_state_and_time_in_columns(self):
        stack = self.stack(PAIR, "shop")
        with self.on_terminal(stack, "up", "-d", rows=20, columns=70) as terminal:
            self.assertEqual(0, terminal.wait_exit())
            lines = Window(terminal.text, 20, 70).text.splitlines()
        self.assertEqual("[+] Running 3/3", lines[0])
        self.assertEqual(4, len([line for line in lines if line]))
        for line in lines[1:4]:
            self.assertRegex(line, r"^ ✔ (Network|Container) shop\S+ +(Created|Started) +\d+\.\ds$")
            self.assertEqual(70 - 1, len(line))
        self.assertEqual(1, len({line.index("Started") for line in lines if "Started" in line}))
        with self.on_terminal(stack, "down", "-t", "0") as terminal:
            self.assertEqual(0, terminal.wait_exit())
            self.assertRegex(Window(terminal.text).text, r"✔ Container shop-a-1 +Removed")

    def test_narrow_and_low_windows_and_one_that_changes(self):
        services = "\n".join(f"      s{i}: {{image: busybox:1, command: [sleep, '1000'], init: true}}" for i in range(12))
        stack = self.stack("services:\n" + services)
        with self.on_terminal(stack, "up", "-d", rows=5, columns=14) as terminal:
            terminal.wait_for("Running")
            terminal.resize(8, 60)
            terminal.resize(4, 9)
            self.assertEqual(0, terminal.wait_exit())
        self.assertEqual(12, len(stack("ps", "-q", check=0).out.split()))

    def test_failures_are_errors_in_json(self):
        stack = self.stack("services: {bad: {image: busybox:1, command: [/no/such/program]}}")
        failed = stack("--progress", "json", "up", "-d", check=1)
        events = [json.loads(line) for line in failed.err.splitlines() if line.startswith("{")]
        (error,) = [event for event in events if event["status"] == "Error"]
        self.assertEqual((f"Container {stack.name}-bad-1", "Error"), (error["id"], error["text"]))
        self.assertIn("/no/such/program", error["details"])

    def test_failures_are_marked_and_said_below(self):
        stack = self.stack("services: {bad: {image: busybox:1, command: [/no/such/program]}}")
        with self.on_terminal(stack, "up", "-d") as terminal:
            self.assertEqual(1, terminal.wait_exit())
            shown = Window(terminal.text).text
        self.assertRegex(shown, r"✘ Container \S+ +Error")
        self.assertGreater(shown.index("error:"), shown.index("✘"))
        self.assertIn("\x1b[31m", terminal.text)

    def test_logs_that_come_meanwhile_stand_above(self):
        stack = self.stack("""
            services:
              early:
                image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; i=0; while :; do i=$$((i+1)); echo line $$i; touch /ready; sleep 0.05; done"]
                healthcheck: {test: [CMD-SHELL, "[ -e /ready ] && sleep 1"], interval: 0.2s, timeout: 5s}
              late:
                image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.05; done"]
                depends_on: {early: {condition: service_healthy}}
            """)
        with self.on_terminal(stack, "up", "--menu=false") as terminal:
            terminal.wait_for("Attaching to")
            terminal.wait_for(r"line 40\b")
            lines = Window(terminal.text).text.splitlines()
            terminal.type("\x03")
            terminal.wait_exit()
        numbers = [int(line.rsplit(" ", 1)[1]) for line in lines if re.search(r"\| line \d+$", line)]
        self.assertEqual(list(range(1, len(numbers) + 1)), numbers)
        self.assertEqual(1, len([line for line in lines if "Container" in line and "late-1" in line]))

    def test_kill_leaves_the_terminal_usable(self):
        stack = self.stack("""
            services:
              slow:
                image: busybox:1
                command: [sleep, "1000"]
                init: true
                healthcheck: {test: ["CMD", "false"], interval: 0.2s, retries: 1000}
            """)
        with self.on_terminal(stack, "up", "--wait") as terminal:
            terminal.wait_for("Waiting")
            terminal.process.send_signal(signal.SIGTERM)
            self.assertEqual(130, terminal.wait_exit())
        self.assertNotRegex(terminal.text, r"\x1b\[\?")  # no mode is ever changed, the cursor never hidden

    def test_no_color_and_ansi(self):
        stack = self.stack("services: {a: {image: busybox:1, command: [sleep, '1000'], init: true}}")
        with self.on_terminal(stack, "up", "-d", environment={"NO_COLOR": "1"}) as terminal:
            terminal.wait_exit()
            self.assertRegex(Window(terminal.text).text, r"✔ Container")
            self.assertNotRegex(terminal.text, r"\x1b\[[0-9;]*m")
        with self.on_terminal(stack, "--ansi", "never", "restart", "-t", "0") as terminal:
            terminal.wait_exit()
            self.assertNotIn("\x1b", terminal.text)
            self.assertRegex(terminal.plain, r" Container \S+  Started")

    def test_without_a_terminal_a_line_for_each_thing_that_happens(self):
        stack = self.stack(PAIR, "plainly")
        for arguments in (["up", "-d"], ["--progress", "plain", "restart", "-t", "0"], ["--progress", "tty", "stop", "-t", "0"]):
            outcome = stack(*arguments, check=0)
            self.assertEqual("", outcome.out)
            self.assertNotIn("\x1b", outcome.err)
            self.assertRegex(outcome.err, r"Container plainly-a-1  (Started|Stopped)")
        events = [json.loads(line) for line in stack("--progress", "json", "up", "-d", check=0).err.splitlines()]
        self.assertIn({"id": "Container plainly-a-1", "status": "Done", "text": "Started"}, events)
        quiet = stack("--progress", "quiet", "down", "-t", "0", check=0)
        self.assertEqual(("", ""), (quiet.out, quiet.err))
