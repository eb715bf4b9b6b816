"""Builds of several stages and services: what goes on side by side, and what of it a person sees."""

import base64
import json
import re
import signal
import subprocess

import host
from harness import BERTH, wait_until
from registry_case import RegistryCase
from terminal import Terminal, Window
from test_build import BuildCase

CACHE = "--mount=type=cache,id=meet,target=/m"


def meet(mine, other):
    """A RUN that ends well only while the one that is its counterpart runs."""
    return (f"RUN {CACHE} touch /m/{mine}; n=0; until [ -e /m/{other} ]; do n=$((n+1)); [ $n -lt 400 ] || exit 9; sleep 0.05; "
            f"done; echo {mine} > /{mine}\n")


class StagesCase(BuildCase):
    def sleepers(self, seconds):
        return [pid for pid in host.pids() if f"sleep\x00{seconds}" in host.read(f"/proc/{pid}/cmdline")]

    def tearDown(self):
        super().tearDown()
        self.berth("builder", "prune", "-af")


class SideBySide(StagesCase):
    def test_independent_stages_run_at_the_same_time(self):
        folder = self.context("FROM busybox:1 AS a\n" + meet("a", "b") + "FROM busybox:1 AS b\n" + meet("b", "a") +
                              "FROM busybox:1\nCOPY --from=a /a /\nCOPY --from=b /b /\n")
        built = self.build(folder)
        self.assertEqual(self.shell("cat /a /b"), "a\nb\n")
        for step in ("[a 2/2] RUN", "[b 2/2] RUN", "[a 2/2] DONE", "[b 2/2] DONE"):
            self.assertIn(step, built.err)
        self.assertEqual(self.build(folder).err.count("CACHED"), 7)
        self.assert_nothing_left()

    def test_independent_services_are_built_at_the_same_time(self):
        stack = self.stack("services:\n" + "".join(
            f"  {one}:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM busybox:1\n        {meet(one, other).replace('$', '$$')}"
            for one, other in (("a", "b"), ("b", "a"))))
        built = stack("build", check=0)
        self.assertIn("[a 2/2] RUN", built.err)
        self.assertIn("[b 2/2] RUN", built.err)

    def test_a_service_waits_for_the_image_that_it_is_built_on(self):
        stack = self.stack("""\
            services:
              app:
                build:
                  context: .
                  additional_contexts: {below: "service:common"}
                  dockerfile_inline: |
                    FROM busybox:1
                    COPY --from=below /common /app
              common:
                image: common:1
                build:
                  context: .
                  dockerfile_inline: |
                    FROM busybox:1
                    RUN sleep 0.3; echo common > /common
              user:
                image: user:1
                build:
                  context: .
                  dockerfile_inline: |
                    FROM common:1
                    RUN cp /common /user
            """)
        stack("build", check=0)
        self.assertEqual(self.shell("cat /app", tag=f"{stack.name}-app"), "common\n")
        self.assertEqual(self.shell("cat /user", tag="user:1"), "common\n")

    def test_the_first_failure_ends_the_others_and_is_what_is_told(self):
        folder = self.context(f"""\
            FROM busybox:1 AS patient
            RUN {CACHE} touch /m/patient; exec sleep 7001
            FROM busybox:1 AS broken
            RUN {CACHE} until [ -e /m/patient ]; do sleep 0.05; done; echo the-reason; exit 7
            FROM busybox:1
            COPY --from=patient / /
            COPY --from=broken / /
            """)
        failed = self.build(folder, check=1)
        self.assertIn("[broken 2/2] | the-reason", failed.err)
        self.assertIn("[broken 2/2] ERROR", failed.err)
        self.assertIn("[patient 2/2] CANCELED", failed.err)
        self.assert_in_order(failed.err, "Dockerfile:4:1: error", "exit code: 7")
        self.assertEqual(failed.err.count("error:"), 1)
        wait_until("the other step is gone", lambda: not self.sleepers(7001))
        self.assert_nothing_left()

    def test_the_first_service_that_fails_ends_the_others(self):
        stack = self.stack(f"""\
            services:
              patient:
                build:
                  context: .
                  dockerfile_inline: |
                    FROM busybox:1
                    RUN {CACHE} touch /m/patient; exec sleep 7002
              broken:
                build:
                  context: .
                  dockerfile_inline: |
                    FROM busybox:1
                    RUN {CACHE} until [ -e /m/patient ]; do sleep 0.05; done; exit 7
            """)
        failed = stack("build", check=1)
        self.assertIn("exit code: 7", failed.err)
        self.assertEqual(failed.err.count("error:"), 1)
        self.assertNotIn(f"{stack.name}-", self.berth("image", "ls", check=0).out)
        self.assert_nothing_left()

    def test_ctrl_c_and_kill_leave_nothing(self):
        folder = self.context("FROM busybox:1 AS a\nRUN echo a; exec sleep 7003\nFROM busybox:1 AS b\nRUN echo b; exec sleep 7003\n"
                              "FROM busybox:1\nCOPY --from=a / /\nCOPY --from=b / /\n")
        for stop, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
            with self.subTest(stop):
                build = subprocess.Popen([BERTH, "image", "build", "-t", "x:1", folder], env=self.berth.environment,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                wait_until("both steps run", lambda: len(self.sleepers(7003)) == 2)
                build.send_signal(stop)
                self.assertEqual(build.wait(timeout=30 * host.PATIENCE), code)
                wait_until("the steps are gone", lambda: not self.sleepers(7003))
        self.build(self.context("FROM busybox:1\nRUN true\n", name="after"))
        self.assert_nothing_left()

    def test_locked_caches_are_used_by_one_step_at_a_time(self):
        def stage(name, first, second):
            mounts = " ".join(f"--mount=type=cache,id={one},target=/{one},sharing=locked" for one in (first, second))
            return (f"FROM busybox:1 AS {name}\n"
                    f"RUN {mounts} mkdir /x/busy /y/busy && sleep 0.3 && rmdir /x/busy /y/busy && touch /{name}\n")
        folder = self.context(stage("a", "x", "y") + stage("b", "y", "x") + "FROM busybox:1\nCOPY --from=a /a /\nCOPY --from=b /b /\n")
        self.build(folder)

    def test_a_step_that_two_want_is_made_once(self):
        count = f"RUN {CACHE} echo x >> /m/count; sleep 0.2; cp /m/count /count\n"
        stage = "FROM busybox:1 AS %s\n" + count
        folder = self.context(stage % "a" + stage % "b" + "FROM busybox:1\nCOPY --from=a /count /a\nCOPY --from=b /count /b\n")
        self.build(folder, "--no-cache")
        self.assertEqual(self.shell("cat /a /b"), "x\nx\n")
        stack = self.stack("services:\n" + "".join(
            f"  {one}:\n    image: {one}:1\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM busybox:1\n"
            f"        {count}        LABEL one={one}\n" for one in "pq"))
        stack("build", "--no-cache", check=0)
        self.assertEqual(self.shell("cat /count", tag="p:1"), "x\nx\n")
        self.assertEqual(self.shell("cat /count", tag="q:1"), "x\nx\n")

    def test_single_stages_without_the_cache(self):
        folder = self.context("FROM busybox:1 AS a\nRUN echo a > /a\nFROM busybox:1 AS b\nRUN echo b > /b\nFROM a\nCOPY --from=b /b /\n")
        self.build(folder)
        again = self.build(folder, "--no-cache-filter", "B")
        self.assertIn("[a 2/2] CACHED", again.err)
        self.assertIn("[b 2/2] DONE", again.err)
        self.assertIn('no stage "x"', self.build(folder, "--no-cache-filter", "a,x").err)
        stack = self.stack(f"services:\n  s:\n    build:\n      context: {folder}\n      no_cache_filter: [a]\n")
        built = stack("build", check=0)
        self.assertIn("[a 2/2] DONE", built.err)
        self.assertIn("[b 2/2] CACHED", built.err)


class Progress(StagesCase):
    def terminal(self, folder, *options, **size):
        return Terminal([BERTH, "image", "build", "-t", "test:1", *options, folder], self.berth.home, self.berth.environment, **size)

    def test_steps_change_in_place_on_a_terminal(self):
        folder = self.context("FROM busybox:1 AS a\nRUN for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; sleep 0.5\n"
                              "FROM busybox:1 AS b\nRUN echo of-b; sleep 0.5\nFROM a\nCOPY --from=b /bin/sh /copied\n")
        with self.terminal(folder) as terminal:
            terminal.wait_for(r"=> => line 9")
            terminal.wait_for(r"=> => of-b")
            self.assertEqual(terminal.wait_exit(), 0)
        self.assertNotIn("\033[?25l", terminal.text)
        seen = Window(terminal.text).text
        self.assertRegex(seen, r"(?s)^\[\+\] Building \d+\.\ds \(6/6\) FINISHED\n.*\nbuilt [0-9a-f]{12} test:1\n$")
        self.assertEqual(len(re.findall(r"=> \[a 2/2\] RUN .* \d+\.\ds$", seen, re.M)), 1)
        self.assertNotIn("=> => ", seen)
        with self.terminal(folder) as terminal:
            self.assertEqual(terminal.wait_exit(), 0)
        self.assertEqual(Window(terminal.text).text.count("=> CACHED "), 6)

    def test_what_a_failing_step_wrote_stands_whole_below(self):
        long = "x" * 200
        folder = self.context(f"FROM busybox:1\nRUN for i in $(seq 30); do echo line $i; done; echo {long}; printf unfinished; exit 3\n")
        with self.terminal(folder, rows=12, columns=60) as terminal:
            self.assertEqual(terminal.wait_exit(), 1)
        seen = Window(terminal.text, rows=12, columns=60).text
        self.assert_in_order(seen, "=> ERROR [2/2] RUN", "\n------\n > [2/2] RUN", "\nline 1\n", "\nline 30\n", "\nunfinished\n------\n",
                             "Dockerfile:2:1: error", "exit code: 3")
        self.assertIn(long, terminal.plain)

    def test_a_small_window_that_changes_its_size(self):
        steps = "".join(f"RUN echo {'step ' * 20}{i}\n" for i in range(12))
        folder = self.context(f"FROM busybox:1\n{steps}RUN for i in 1 2 3 4 5 6 7 8; do echo line $i; done; n=0; "
                              f"until [ $n = 20 ]; do n=$((n+1)); sleep 0.1; done\n")
        with self.terminal(folder, rows=8, columns=50) as terminal:
            terminal.wait_for("=> => line 8")
            last = [line for line in Window(terminal.text, 8, 50).lines if line.strip()]
            self.assertRegex(last[0], r"^\[\+\] Building")  # nothing has scrolled away yet
            self.assertLessEqual(len(last), 8)
            terminal.resize(30, 100)
            seen = len(terminal.text)
            terminal.wait_for(r"=> \[2/14\] RUN echo step")
            self.assertEqual(terminal.wait_exit(), 0)
        self.assertIn("=> [12/14]", terminal.text[seen:])
        self.assertLessEqual(max(len(line) for line in Window(terminal.text, 30, 10_000).lines), 100)

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        folder = self.context("FROM busybox:1\nRUN echo begun; exec sleep 7004\n")
        for stop, code in ((signal.SIGTERM, 143), (None, 130)):
            with self.subTest(code), self.terminal(folder) as terminal:
                terminal.wait_for("=> => begun")
                if stop:
                    terminal.process.send_signal(stop)
                else:
                    terminal.type("\x03")
                self.assertEqual(terminal.wait_exit(), code)
                self.assertIn("=> CANCELED [2/2]", Window(terminal.text).text)
                self.assertEqual(re.findall(r"\x1b\[[0-9;?]*[^0-9;?mAKJ]", terminal.text), [])
        wait_until("the steps are gone", lambda: not self.sleepers(7004))

    def test_forms_of_progress(self):
        folder = self.context("FROM busybox:1\nRUN echo hello\n")
        with self.terminal(folder, "--progress", "plain") as terminal:
            self.assertEqual(terminal.wait_exit(), 0)
        self.assertIn("[2/2] | hello", terminal.plain)
        self.assertNotIn("[+]", terminal.plain)
        quiet = self.build(folder, "--progress", "quiet", "--no-cache")
        self.assertNotIn("hello", quiet.err)
        self.assertIn("[+] Building", self.build(folder, "--progress=tty").err)
        events = [json.loads(line) for line in self.build(folder, "--progress=json", "--no-cache").err.splitlines() if line[0] == "{"]
        self.assertIn({"id": "[2/2]", "status": "Working", "text": "hello"}, events)
        raw = [json.loads(line) for line in self.build(folder, "--progress=rawjson", "--no-cache").err.splitlines() if line[0] == "{"]
        logs = [log for event in raw for log in event.get("logs", [])]
        (log,) = [log for log in logs if base64.b64decode(log["data"]) == b"hello\n"]
        ended = [vertex for event in raw for vertex in event.get("vertexes", []) if "completed" in vertex]
        self.assertEqual({vertex["name"] for vertex in ended if vertex["digest"] == log["vertex"]}, {"[2/2] RUN echo hello"})
        self.assertIn("plain", self.build(folder, "--progress=nonsense", check=1).err)


class BaseImages(RegistryCase, StagesCase):
    def test_what_is_pulled_is_output_of_the_step_that_wants_it(self):
        image = f"{self.plain.host}/lib/app:1"
        folder = self.context(f"FROM {image} AS a\nCOPY f /a\nFROM {image} AS b\nCOPY f /b\nFROM a\nCOPY --from=b /b /\n", {"f": "x"})
        built = self.build(folder)
        self.assertRegex(built.err, rf"\[[ab] 1/2\] \|  Image {re.escape(image)}  Pulled")
        self.assertEqual(built.err.count("Pulled"), 1)
        newer = self.build(folder, "--pull")
        self.assertEqual(newer.err.count("Pulled"), 1)
        self.berth("image", "rm", "test:1", image, check=0)
        with Terminal([BERTH, "image", "build", "-t", "test:1", folder], self.berth.home, self.berth.environment) as terminal:
            self.assertEqual(terminal.wait_exit(), 0)
        self.assertRegex(Window(terminal.text).text, r"^\[\+\] Building \d+\.\ds \(6/6\) FINISHED\n")

    def test_what_cannot_be_pulled(self):
        image = f"{self.plain.host}/lib/nosuch:1"
        folder = self.context(f"FROM {image}\n")
        failed = self.build(folder, check=1)
        self.assert_in_order(failed.err, "[1/1] | ", "[1/1] ERROR", "Dockerfile:1:6: error", f'"{image}" could not be pulled')
        with Terminal([BERTH, "image", "build", "-t", "test:1", folder], self.berth.home, self.berth.environment) as terminal:
            self.assertEqual(terminal.wait_exit(), 1)
        self.assert_in_order(Window(terminal.text).text, "=> ERROR [1/1]", "------\n > [1/1] FROM", "nosuch", "------", "could not be pulled")
