"""The keys below the logs of `up`, and the terminal that is as before whatever ends it."""

import os
import signal
import termios

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal, Window

TICKER = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "trap 'exit 0' TERM; i=0; while :; do i=$$((i+1)); echo tick $$i; sleep 0.05; done"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        develop: {watch: [{path: ./src, action: sync, target: /app}]}
    """
MENU = "w Enable Watch   d Detach"


class Menu(Case):
    def up(self, stack, *arguments, environment=None, **size):
        return Terminal([BERTH, "up", *arguments], stack.folder, {**self.berth.environment, **(environment or {})}, **size)

    def modes(self, terminal):
        """Whether keys are taken as they come, and shown."""
        flags = termios.tcgetattr(terminal.master)[3]
        return bool(flags & termios.ICANON), bool(flags & termios.ECHO)

    def started(self, terminal):
        terminal.wait_for("tick 2")
        terminal.wait_for(MENU)

    def test_d_detaches_and_leaves_all_running(self):
        stack = self.stack(TICKER)
        with self.up(stack) as terminal:
            self.started(terminal)
            self.assertEqual((False, False), self.modes(terminal))
            terminal.type("d")
            self.assertEqual(0, terminal.wait_exit())
            self.assertEqual((True, True), self.modes(terminal))
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_w_starts_and_stops_watching(self):
        stack = self.stack(TICKER)
        os.makedirs(os.path.join(stack.folder, "src"))
        with self.up(stack) as terminal:
            self.started(terminal)
            terminal.type("w")
            terminal.wait_for("Watch enabled")
            terminal.wait_for("w Disable Watch")
            with open(os.path.join(stack.folder, "src", "file"), "w", encoding="utf-8") as file:
                file.write("x")
            wait_until("the file is there", lambda: os.path.exists(f"/proc/{stack.pid('web')}/root/app/file"))
            terminal.type("w")
            terminal.wait_for("Watch disabled")
            terminal.type("d")
            self.assertEqual(0, terminal.wait_exit())

    def test_keys_that_have_nothing_to_do_say_so(self):
        stack = self.stack(TICKER.replace("develop", "x-develop"))
        with self.up(stack) as terminal:
            terminal.wait_for("d Detach")
            terminal.type("w")
            terminal.wait_for("watch is not configured")
            terminal.type("v")
            terminal.wait_for("there is no Docker Desktop")
            terminal.type("d")
            self.assertEqual(0, terminal.wait_exit())

    def test_the_menu_stands_below_the_logs_once_and_goes_with_the_command(self):
        stack = self.stack(TICKER)
        with self.up(stack, rows=12, columns=60) as terminal:
            terminal.wait_for("tick 30")
            shown = Window(terminal.text, 12, 60).text
            terminal.type("d")
            terminal.wait_exit()
            after = Window(terminal.text, 12, 60).text
        self.assertLessEqual(shown.count(MENU), 1)
        self.assertNotIn("Detach", after)
        ticks = [int(line.rsplit(" ", 1)[1]) for line in after.splitlines() if "| tick" in line]
        self.assertEqual(list(range(1, len(ticks) + 1)), ticks)

    def test_a_window_of_any_width_shows_as_much_as_fits(self):
        stack = self.stack(TICKER)
        with self.up(stack, rows=10, columns=12) as terminal:
            terminal.wait_for("w Enable Wa")
            self.assertNotIn("w Enable Watch", terminal.text)
            terminal.resize(30, 100)
            terminal.wait_for(MENU)
            terminal.resize(3, 1)
            terminal.resize(30, 100)
            terminal.type("d")
            self.assertEqual(0, terminal.wait_exit())

    def test_signals_restore_the_terminal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signal.Signals(number).name):
                stack = self.stack(TICKER, f"restore{number}")
                with self.up(stack) as terminal:
                    self.started(terminal)
                    terminal.process.send_signal(number)
                    code = terminal.wait_exit()
                    self.assertEqual((True, True), self.modes(terminal))
                    self.assertNotIn("Detach", Window(terminal.text).text)
                    if number in (signal.SIGHUP, signal.SIGQUIT):  # as without a menu: it dies, the containers do not
                        self.assertEqual(-number, code)
                        self.assertEqual("running", stack.ps()["web"]["State"])
                    else:
                        self.assertEqual(130, code)

    def test_a_stopped_job_gives_the_terminal_back_until_it_goes_on(self):
        stack = self.stack(TICKER)
        with self.up(stack) as terminal:
            self.started(terminal)
            terminal.process.send_signal(signal.SIGTSTP)
            wait_until("it has stopped", lambda: host.read(f"/proc/{terminal.process.pid}/stat").rsplit(")", 1)[1].split()[0] == "T")
            self.assertEqual((True, True), self.modes(terminal))
            terminal.process.send_signal(signal.SIGCONT)
            wait_until("it takes keys again", lambda: self.modes(terminal) == (False, False))
            terminal.type("d")
            self.assertEqual(0, terminal.wait_exit())

    def test_no_menu_where_none_is_wanted_or_nobody_is_there(self):
        for arguments, environment in ((["--menu=false"], {}), ([], {"COMPOSE_MENU": "false"}), ([], {"COMPOSE_MENU": "0"})):
            stack = self.stack(TICKER, f"none{len(arguments)}{len(environment.get('COMPOSE_MENU', ''))}")
            with self.up(stack, *arguments, environment=environment) as terminal:
                terminal.wait_for("tick 5")
                self.assertNotIn("Detach", terminal.text)
                self.assertEqual((True, True), self.modes(terminal))
        for before in (["--ansi", "never"], ["--progress", "plain"]):
            stack = self.stack(TICKER, "before" + before[1])
            with Terminal([BERTH, *before, "up"], stack.folder, self.berth.environment) as terminal:
                terminal.wait_for("tick 5")
                self.assertNotIn("Detach", terminal.text)
        brief = self.stack("services: {web: {image: busybox:1, command: [echo, hi]}}", "piped")
        self.assertNotIn("Detach", brief("up", "--menu", check=0).out)
        with self.up(self.stack(TICKER, "asked"), "--menu", environment={"COMPOSE_MENU": "false"}) as terminal:
            terminal.wait_for(MENU)
            terminal.type("d")
            terminal.wait_exit()

    def test_the_end_of_standard_input_is_the_end_of_keys_alone(self):
        stack = self.stack(TICKER)
        with self.up(stack) as terminal:
            self.started(terminal)
            terminal.type("\x04")  # Ctrl-D is a key like any other here
            terminal.wait_for(r"tick 40")
            terminal.type("\x03")
            self.assertEqual(130, terminal.wait_exit())


