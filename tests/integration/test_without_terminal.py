"""What is not to have a terminal does not see that of the person who calls, though it reads what is typed there."""

from harness import BERTH, Case
from terminal import Terminal

STACK = """
    services:
      it:
        image: busybox:1
        command: ["sleep", "100000"]
        stop_grace_period: 0s
    """
LOOK = "for i in 0 1 2; do test -t $i && echo terminal $i; done; echo looked"


class WithoutTerminal(Case):
    def setUp(self):
        self.quiet = self.stack(STACK, "quiet")
        self.quiet.up()

    def at_terminal(self, *arguments):
        return Terminal([BERTH, *arguments], self.quiet.folder, self.berth.environment)

    def test_exec_and_run_show_none(self):
        for command in (("exec", "-T", "it"), ("run", "--rm", "-T", "it"), ("container", "exec", "-i", "quiet-it-1"),
                        ("container", "run", "--rm", "-i", "busybox:1")):
            with self.subTest(command=command), self.at_terminal(*command, "sh", "-c", LOOK) as terminal:
                self.assertEqual(0, terminal.wait_exit())
                self.assertIn("looked", terminal.plain)
                self.assertNotIn("terminal", terminal.plain)

    def test_what_is_typed_arrives_and_its_end_as_well(self):
        for command in (("exec", "-T", "it"), ("run", "--rm", "-T", "it")):
            with self.subTest(command=command), self.at_terminal(*command, "sh", "-c", "echo ready; sed s/^/heard:/") as terminal:
                terminal.wait_for("ready")
                terminal.type("hello\n")
                terminal.type("\x04")
                self.assertEqual(0, terminal.wait_exit())
                self.assertIn("heard:hello", terminal.plain)

    def test_all_that_is_written_is_shown_with_the_exit_code(self):
        for command in (("exec", "-T", "it"), ("run", "--rm", "-T", "it")):
            with self.subTest(command=command), self.at_terminal(*command, "sh", "-c", "seq 30000; echo last >&2; exit 7") as terminal:
                self.assertEqual(7, terminal.wait_exit())
                self.assertRegex(terminal.plain, r"29999\r?\n30000\r?\n")
                self.assertIn("last", terminal.plain)

    def test_what_is_left_behind_is_not_waited_for(self):
        with self.at_terminal("exec", "-T", "it", "sh", "-c", "sleep 100000 & echo gone") as terminal:
            self.assertEqual(0, terminal.wait_exit())
            self.assertIn("gone", terminal.plain)

    def test_a_signal_reaches_what_runs(self):
        with self.at_terminal("exec", "-T", "it", "sh", "-c", "trap 'echo heard; exit 9' INT; echo ready; while :; do sleep 0.05; done") as terminal:
            terminal.wait_for("ready")
            terminal.type("\x03")
            self.assertEqual(9, terminal.wait_exit())
            self.assertIn("heard", terminal.plain)
