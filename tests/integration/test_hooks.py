"""post_start and pre_stop: commands in the container, around what somebody asked for."""

import os
import signal
import subprocess

import host
from harness import BERTH, Case, wait_until

LOOP = """image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.02; done"]
                environment: {BERTH_TEST_MARK: %MARK%-web}
                volumes: ["./out:/out"]"""


class Hooks(Case):
    def written(self, stack, name):
        path = os.path.join(stack.folder, "out", name)
        return host.read(path).split()

    def test_they_run_around_starts_and_stops_that_were_asked_for(self):
        stack = self.stack(f"""
            services:
              web:
                {LOOP}
                restart: always
                post_start: [{{command: [sh, -c, "echo $$(id -u) $$PWD $$A >>/out/started"], user: nobody, working_dir: /tmp, environment: {{A: more}}}}]
                pre_stop: [{{command: [sh, -c, "echo one >>/out/stopped"]}}, {{command: [sh, -c, "echo two >>/out/stopped"]}}]
            """)
        os.makedirs(os.path.join(stack.folder, "out"))
        os.chmod(os.path.join(stack.folder, "out"), 0o777)
        stack.up()
        self.assertEqual(["65534", "/tmp", "more"], self.written(stack, "started"))
        pid = stack.pid("web")
        os.kill(pid, 9)
        wait_until("its policy starts it again", lambda: host.first_processes(f"{stack.mark}-web") not in ([], [pid]))
        wait_until("it runs", lambda: stack.ps()["web"]["State"] == "running")
        self.assertEqual(3, len(self.written(stack, "started")), "a crash is no start that was asked for")
        self.assertEqual([], self.written(stack, "stopped"))
        stack("restart", check=0)
        self.assertEqual(6, len(self.written(stack, "started")))
        self.assertEqual(["one", "two"], self.written(stack, "stopped"))
        stack("down", check=0)
        self.assertEqual(["one", "two"] * 2, self.written(stack, "stopped"))

    def test_their_output_is_seen_and_dependents_start_behind_them(self):
        stack = self.stack("""
            services:
              db:
                image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.02; done"]
                volumes: ["data:/data"]
                post_start: [{command: [sh, -c, "sleep 0.2; echo making; printf data ready >/data/file"]}]
              web: {image: busybox:1, command: [cat, /data/file], volumes: ["data:/data"], depends_on: [db]}
            volumes: {data: }
            """)
        outcome = stack.up()
        self.assertRegex(outcome.err, r"(?m)^db-1 -> \| making$")
        wait_until("web has read it", lambda: stack("logs", "--no-log-prefix", "web").out.startswith("data"))

    def test_one_with_privileges_may_what_its_container_may_not(self):
        stack = self.stack(f"""
            services:
              web:
                {LOOP}
                cap_drop: [ALL]
                post_start:
                - {{command: [sh, -c, "grep CapEff /proc/self/status >/out/privileged"], privileged: true}}
                - {{command: [sh, -c, "grep CapEff /proc/self/status >/out/plain"]}}
            """)
        stack.up()
        self.assertEqual("0000000000000000", self.written(stack, "plain")[1])
        self.assertNotEqual("0000000000000000", self.written(stack, "privileged")[1])

    def test_one_that_fails_after_the_start_fails_the_up_with_its_last_words(self):
        before = host.snapshot()
        stack = self.stack(f"""
            services:
              web:
                {LOOP}
                post_start: [{{command: [sh, -c, "echo no table; exit 5"]}}, {{command: [touch, /out/second]}}]
            """)
        outcome = stack("up", "-d", check=1)
        self.assertRegex(outcome.err, r"web-1: post_start hook 1 \(sh -c .*\) exited with status 5")
        self.assertIn("no table", outcome.err)
        self.assertEqual([], stack("ps", "-a", "-q").out.split())
        self.assertFalse(os.path.exists(os.path.join(stack.folder, "out", "second")))
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_one_that_fails_before_the_stop_fails_the_stop(self):
        stack = self.stack(f"""
            services:
              web:
                {LOOP}
                pre_stop: [{{command: [sh, -c, "echo still busy; exit 6"]}}]
            """)
        stack.up()
        outcome = stack("stop", check=1)
        self.assertRegex(outcome.err, r"pre_stop hook 1 .* exited with status 6")
        self.assertIn("still busy", outcome.err)
        self.assertEqual("running", stack.ps()["web"]["State"])
        stack("kill", check=0)
        wait_until("it has ended", lambda: stack.ps()["web"]["State"] == "exited")

    def test_one_that_hangs_ends_with_the_command(self):
        stack = self.stack(f"""
            services:
              web:
                {LOOP}
                post_start: [{{command: [sh, -c, "touch /out/begun; sleep 100000"]}}]
            """)
        with subprocess.Popen([BERTH, "up", "-d"], cwd=stack.folder, env=self.berth.environment, stderr=subprocess.PIPE) as up:
            wait_until("the hook runs", lambda: os.path.exists(os.path.join(stack.folder, "out", "begun")))
            up.send_signal(signal.SIGINT)
            self.assertEqual(130, up.wait(30))
        self.assertEqual([], stack("ps", "-a", "-q").out.split())
