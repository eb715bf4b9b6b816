"""`berth logs`: nothing that a container wrote is lost, doubled or out of order, and nobody who reads slows it down."""

import glob
import os
import re
import subprocess
import time

import host
from harness import BERTH, Berth, Case, wait_until
from terminal import Terminal


def numbers(text):
    return [int(word) for word in re.findall(r"(?m)^n(\d+)$", text)]


class Follower:
    """A command whose output is read in the background, into a file."""

    def __init__(self, case, stack, *words):
        self.path = os.path.join(stack.folder, f"output-{time.monotonic_ns()}")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([BERTH, *words], cwd=stack.folder, env=stack.berth.environment, stdout=out,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        case.addCleanup(self.stop)

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(self, pattern):
        return wait_until(f"{pattern!r} shows up in:\n{self.text()[-2000:]}", lambda: re.search(pattern, self.text()))

    def wait_exit(self):
        wait_until("it has ended", lambda: self.process.poll() is not None)
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Logs(Case):
    def service(self, script, extra="", name="s"):
        return f"""
            services:
              {name}:
                image: busybox:1
                command: ["sh", "-c", '{script}']
                environment: {{BERTH_TEST_MARK: %MARK%-{name}}}
                stop_grace_period: 0s
                {extra}
            """

    def bare(self, stack, *arguments):
        return stack("logs", "--no-log-prefix", "--no-color", *arguments, check=0).out

    def log_files(self, stack, service="s"):
        identifier = stack.ps()[service]["ID"]
        return sorted(glob.glob(f"{self.berth.root}/containers/{identifier}*/log*"))

    # ---- what is kept

    def test_the_last_line_is_kept_without_its_newline_and_a_restart_begins_another(self):
        stack = self.stack(self.service("printf one; exit 0"))
        stack.up()
        wait_until("it has ended", lambda: stack.ps()["s"]["State"] == "exited")
        self.assertEqual("one\n", self.bare(stack))
        stack("start", check=0)
        wait_until("it has ended again", lambda: self.bare(stack) == "one\none\n")

    def test_any_bytes_and_lines_of_any_length_come_back_as_they_were(self):
        stack = self.stack(self.service(r'printf "a\000\377\033b\r\n"; head -c 3000000 /dev/zero | tr "\000" x; echo; echo end'))
        stack.up()
        wait_until("all is there", lambda: self.bare(stack).endswith("end\n"))
        raw = subprocess.run([BERTH, "logs", "--no-log-prefix"], cwd=stack.folder, env=self.berth.environment, check=True,
                             stdout=subprocess.PIPE).stdout
        self.assertEqual([b"a\x00\xff\x1bb\r", b"x" * 3000000, b"end", b""], raw.split(b"\n"))

    def test_services_are_merged_by_time(self):
        stack = self.stack("""
            services:
              a:
                image: busybox:1
                command: [sh, -c, "for i in 1 2 3 4; do echo a$$i; touch /d/a$$i; while [ ! -e /d/b$$i ]; do usleep 5000; done; done"]
                volumes: ["d:/d"]
              b:
                image: busybox:1
                command: [sh, -c, "for i in 1 2 3 4; do while [ ! -e /d/a$$i ]; do usleep 5000; done; echo b$$i; touch /d/b$$i; done"]
                volumes: ["d:/d"]
            volumes: {d: {}}
            """)
        stack.up()
        wait_until("all is there", lambda: "b4" in self.bare(stack))
        self.assertEqual("a1 b1 a2 b2 a3 b3 a4 b4".split(), self.bare(stack).split())
        self.assertEqual("a4 b4".split(), self.bare(stack, "-n", "1").split())
        wait_until("both have ended", lambda: {row["State"] for row in stack.ps().values()} == {"exited"})
        follower = Follower(self, stack, "logs", "-f", "--no-log-prefix")
        self.assertEqual(0, follower.wait_exit())
        self.assertEqual("a1 b1 a2 b2 a3 b3 a4 b4".split(), follower.text().split())

    def test_a_period_and_a_replica_can_be_chosen(self):
        stack = self.stack(self.service("for i in 1 2 3; do echo n$$i; usleep 20000; done; exec sleep 1000"))
        stack.up("--scale", "s=2")
        wait_until("all is there", lambda: len(numbers(self.bare(stack))) == 6)
        lines = stack("logs", "-t", "--no-log-prefix", "--index", "2", "s", check=0).out.splitlines()
        self.assertEqual(["n1", "n2", "n3"], [line.split()[1] for line in lines])
        times = [line.split()[0] for line in lines]
        self.assertEqual(sorted(times), times)
        self.assertRegex(times[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
        only = ("--index", "2", "s")
        self.assertEqual([2, 3], numbers(self.bare(stack, "--since", times[1], *only)))
        self.assertEqual([1, 2], numbers(self.bare(stack, "--until", times[1], *only)))
        self.assertEqual([2], numbers(self.bare(stack, "--since", times[1], "--until", times[1], *only)))
        self.assertEqual([1, 2, 3], numbers(self.bare(stack, "--since", "1h", "--until", "0s", *only)))
        self.assertEqual([], numbers(self.bare(stack, "--until", "1h", *only)))
        self.assertEqual([], numbers(self.bare(stack, "--since", str(int(time.time()) + 1000), *only)))
        self.assertEqual([3, 3], numbers(self.bare(stack, "--tail", "1")))
        refused = stack("logs", "--index", "2", check=1).err
        self.assertIn("--index requires one service", refused)
        self.assertIn('service "s" is not running container #7', stack("logs", "--index", "7", "s", check=1).err)
        self.assertIn('--since: "soon" is no time', stack("logs", "--since", "soon", check=1).err)

    # ---- rotation

    def test_rotation_keeps_the_newest_files_and_no_more(self):
        stack = self.stack(self.service("for i in $$(seq 20000); do echo n$$i; done",
                                        'logging: {driver: json-file, options: {max-size: "100k", max-file: "3"}}'))
        stack.up()
        wait_until("the last line is there", lambda: 20000 in numbers(self.bare(stack, "-n", "1")))
        files = self.log_files(stack)
        self.assertEqual(3, len(files), files)
        self.assertTrue(all(os.path.getsize(path) <= 100_000 for path in files), files)
        kept = numbers(self.bare(stack))
        self.assertGreater(len(kept), 5000)
        self.assertEqual(list(range(20001 - len(kept), 20001)), kept)
        stack("down", "-v", check=0)
        self.assertEqual([], [path for path in files if os.path.exists(path)])

    def test_one_file_is_never_empty_after_a_rotation(self):
        stack = self.stack(self.service("for i in $$(seq 9000); do echo n$$i; done", 'logging: {options: {max-size: "100k"}}'))
        stack.up()
        wait_until("the last line is there", lambda: 9000 in numbers(self.bare(stack, "-n", "1")))
        self.assertLessEqual(sum(os.path.getsize(path) for path in self.log_files(stack)), 100_000)
        self.assertGreater(len(numbers(self.bare(stack))), 1000)

    def test_following_goes_on_through_rotation_and_misses_nothing(self):
        script = "i=0; while [ $$i -lt 3000 ]; do i=$$((i+1)); echo n$$i; [ $$((i%20)) = 0 ] && usleep 1000; done; exec sleep 1000"
        stack = self.stack(self.service(script, 'logging: {options: {max-size: "20k", max-file: "4"}}'))
        stack("create", check=None)
        stack.up()
        follower = Follower(self, stack, "logs", "-f", "--no-log-prefix")
        follower.wait_for("n3000\n")
        told = numbers(follower.text())
        self.assertEqual(list(range(told[0], 3001)), told)
        self.assertGreater(len(self.log_files(stack)), 2)

    def test_a_killed_keeper_leaves_a_log_that_goes_on(self):
        stack = self.stack(self.service("i=0; while :; do i=$$((i+1)); echo n$$i; usleep 200; done",
                                        'logging: {options: {max-size: "10k", max-file: "50"}}'))
        stack.up()
        for round_number in range(5):
            least = 200 * (round_number + 1)
            wait_until("some lines more", lambda: len(numbers(self.bare(stack))) > least)
            self.berth.kill_helpers("berth-keeper")
            seen = numbers(self.bare(stack))[-1]
            wait_until("lines are logged again", lambda: numbers(self.bare(stack))[-1] > seen + 50)
        told = numbers(self.bare(stack))
        self.assertEqual(list(range(told[0], told[0] + len(told))), told, "no line is lost, doubled or torn")

    # ---- drivers

    def test_the_driver_none_keeps_nothing(self):
        stack = self.stack(self.service("yes n1 | head -100000; echo done > /ready; exec sleep 1000", "logging: {driver: none}"))
        stack.up()
        wait_until("it has written more than a pipe holds", lambda: stack.sh("s", "cat /ready 2>/dev/null || true") == "done")
        outcome = stack("logs", check=0)
        self.assertEqual("", outcome.out)
        self.assertIn('s-1: logging driver "none" keeps no output', outcome.err)
        self.assertEqual([], self.log_files(stack))

    def test_other_drivers_are_named_and_the_log_is_kept(self):
        stack = self.stack(self.service("echo n1", "logging: {driver: syslog, options: {syslog-address: udp://x}}"))
        self.assertRegex(stack.up().err, r'compose.yaml:8:\d+: warning: .*logging driver "syslog" is not supported')
        wait_until("it is kept", lambda: numbers(self.bare(stack)) == [1])

    def test_mistakes_in_options_are_named(self):
        for options, message in (("{driver: json-fiel}", 'no logging driver "json-fiel".*\n?.*json-file'),
                                 ("{options: {max-siz: 1m}}", 'json-file has no option "max-siz".*\n?.*max-size'),
                                 ("{options: {max-size: lots}}", 'max-size: "lots" is not a size'),
                                 ("{options: {max-file: 0}}", 'max-file: "0" is not a number of at least 1'),
                                 ("{driver: local, options: {tag: x}}", 'local has no option "tag"')):
            stack = self.stack(self.service("echo n1", f"logging: {options}"))
            refused = stack("up", "-d", check=1).err
            self.assertRegex(refused, r"compose.yaml:8:\d+: error")
            self.assertRegex(refused, re.compile(message, re.DOTALL))

    # ---- following

    def test_following_goes_on_through_restarts_recreation_and_new_replicas(self):
        text = self.service("echo hello $$HOSTNAME $$WHAT; exec sleep 1000")
        stack = self.stack(text.replace("environment: {", "environment: {WHAT: first, "))
        stack.up()
        follower = Follower(self, stack, "logs", "-f", "--no-color")
        follower.wait_for("hello .* first")
        stack("restart", "-t", "0", check=0)
        follower.wait_for("(?s)first.*s-1 exited with code 137.*first")
        stack.write(text.replace("environment: {", "environment: {WHAT: second, "))
        stack.up()
        follower.wait_for(r"(?s)s-1 exited with code 137.*s-1 exited with code 137\ns-1  \| hello .* second")
        stack.up("--scale", "s=2")
        follower.wait_for(r"s-2  \| hello .* second")
        self.assertIsNone(follower.process.poll())
        stack("down", "-t", "0", check=0)
        self.assertEqual(0, follower.wait_exit(), follower.text())

    def test_following_nothing_ends_at_once(self):
        stack = self.stack(self.service("echo n1"))
        self.assertEqual("", self.bare(stack, "-f"))

    def test_following_until_a_moment_ends_by_itself(self):
        stack = self.stack(self.service("echo n1; exec sleep 1000"))
        stack.up()
        wait_until("it is there", lambda: numbers(self.bare(stack)) == [1])
        self.assertEqual([1], numbers(self.bare(stack, "-f", "--until", "0s")))

    def test_the_last_words_come_before_the_end_is_told(self):
        stack = self.stack(self.service("echo ready; while [ ! -e /go ]; do usleep 10000; done; seq 3000; printf 9999; exit 3"))
        for _ in range(5):
            stack.up()
            follower = Follower(self, stack, "logs", "-f", "--no-color", "--tail", "1")
            follower.wait_for("ready")
            stack.let_go("s")
            self.assertEqual(0, follower.wait_exit())
            lines = follower.text().splitlines()
            self.assertEqual(["s-1  | 2999", "s-1  | 3000", "s-1  | 9999", "s-1 exited with code 3"], lines[-4:])
            stack("down", "-t", "0", check=0)

    # ---- readers

    LOUD = "while :; do echo line of some length, again and again and again and again; done"

    def written(self, stack):
        """How far the container has come, as the kernel counts what its process has written."""
        return int(re.search(r"wchar: (\d+)", host.read(f"/proc/{stack.pid('s')}/io"))[1])

    def assert_not_blocked(self, stack):
        before = self.written(stack)
        wait_until("it has written far more than any pipe or terminal holds", lambda: self.written(stack) > before + (8 << 20), 30)

    def test_a_terminal_that_nobody_reads_does_not_block_a_container(self):
        stack = self.stack(self.service(self.LOUD))
        stack.up()
        for words in (["logs", "-f"], ["up"]):
            with Terminal([BERTH, *words], stack.folder, self.berth.environment) as terminal:
                terminal.wait_for("line of some length")  # and from here on nobody reads
                self.assert_not_blocked(stack)
                # Others are not kept waiting either.
                self.assertEqual("running", stack.ps()["s"]["State"])
                self.assertEqual("hi", stack.exec("s", "echo", "hi"))

    def test_a_reader_that_has_seen_enough_ends(self):
        stack = self.stack(self.service(self.LOUD))
        stack.up()
        for words in ("logs", "logs -f"):
            done = subprocess.run(["sh", "-c", f"{BERTH} {words} --no-log-prefix | head -1"], cwd=stack.folder, env=self.berth.environment,
                                  stdout=subprocess.PIPE, text=True, timeout=60 * host.PATIENCE, check=True)
            self.assertIn("line of some length", done.stdout)
        self.assert_not_blocked(stack)


class FullDisk(Case):
    """A root of its own on a small file system."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.usual, cls.berth = cls.berth, Berth()
        os.mkdir(cls.berth.root)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "berth-test", cls.berth.root], check=True)
        cls.berth.import_busybox()

    @classmethod
    def tearDownClass(cls):
        small, cls.berth = cls.berth, cls.usual
        for name in ("berth-supervisor", "berth-keeper"):
            small.kill_helpers(name)
        subprocess.run(["umount", "-l", small.root], check=True)
        small.discard()
        super().tearDownClass()

    def fill(self):
        path = os.path.join(self.berth.root, "filler")
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        return path

    def test_lines_that_do_not_fit_are_counted_and_the_container_goes_on(self):
        stack = self.stack("""
            services:
              s:
                image: busybox:1
                command: [sh, -c, "i=0; while :; do i=$$((i+1)); echo n$$i; echo $$i > /dev/shm/at; usleep 500; done"]
                environment: {BERTH_TEST_MARK: %MARK%-s}
                stop_grace_period: 0s
            """)
        stack.up()
        logs = lambda *words: stack("logs", "--no-log-prefix", *words, check=0)
        at = lambda: int(stack.sh("s", "cat /dev/shm/at") or "0")
        wait_until("some lines are there", lambda: len(numbers(logs().out)) > 100)
        follower = Follower(self, stack, "logs", "-f", "--no-log-prefix")
        filler = self.fill()
        self.addCleanup(lambda: os.path.exists(filler) and os.unlink(filler))
        full_at = at()
        wait_until("it goes on", lambda: at() > full_at + 1000)
        # The loss is told while it lasts.
        self.assertRegex(logs().err, r"s-1: \d+ lines are missing here: No space left on device")
        follower.wait_for("missing here: No space left on device")
        last = numbers(logs().out)[-1]
        os.unlink(filler)
        wait_until("lines are logged again", lambda: numbers(logs().out)[-1] > last + 100)
        outcome = logs()
        told = numbers(outcome.out)
        gaps = [int(count) for count in re.findall(r"(\d+) lines? (?:is|are) missing here", outcome.err)]
        self.assertEqual(told[-1], len(told) + sum(gaps), "what is there and what was counted as lost is all that was written")
        self.assertGreater(max(gaps), 500)
        follower.wait_for(f"{max(gaps)} lines are missing here")
        self.assertEqual("running", stack.ps()["s"]["State"])
