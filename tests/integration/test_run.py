"""One-off containers: `berth run`."""

import glob
import os
import signal
import socket
import subprocess
import threading

import host
from attacks import compiled
from harness import BERTH, Case, wait_until
from terminal import Terminal

APP = """
    services:
      app:
        image: busybox:1
        command: [sh, -c, "echo the service itself"]
        ports: ["18099:80"]
        restart: always
        environment: {FROM_FILE: file, BERTH_TEST_MARK: %MARK%-app}
        depends_on: {db: {condition: service_healthy}}
      db:
        image: busybox:1
        command: [sh, -c, "sleep 0.2; touch /ready; exec sleep 1000"]
        stop_grace_period: 0s
        environment: {BERTH_TEST_MARK: %MARK%-db}
        healthcheck: {test: [CMD, test, -e, /ready], interval: 0.1s, retries: 50}
        volumes: ["data:/data"]
    volumes: {data: }
    """


class Run(Case):
    def all(self, stack):
        return stack("ps", "-a", "--format", "json", check=0).json()

    def test_it_returns_what_the_command_returned_and_wrote(self):
        stack = self.stack(APP)
        done = stack("run", "--rm", "app", "sh", "-c", "echo out; echo err >&2; cat; exit 42", stdin="from stdin", check=42)
        self.assertEqual("out\nfrom stdin", done.out)
        self.assertIn("err\n", done.err)
        self.assertEqual("the service itself\n", stack("run", "--rm", "app", check=0).out)

    def test_what_it_depends_on_is_brought_up_and_stays(self):
        stack = self.stack(APP)
        out = stack("run", "--rm", "app", "sh", "-c", "ping -c 1 -W 2 db > /dev/null && echo reached", check=0).out
        self.assertEqual("reached\n", out)
        self.assertEqual([("db", "running", "healthy")],
                         [(row["Service"], row["State"], row["Health"]) for row in self.all(stack)])
        pid = stack.pid("db")
        stack("run", "--rm", "--no-deps", "app", "true", check=0)
        self.assertEqual(pid, stack.pid("db"))

    def test_no_deps_starts_nothing_else(self):
        stack = self.stack(APP)
        stack("run", "--rm", "--no-deps", "app", "true", check=0)
        self.assertEqual([], self.all(stack))

    def test_flags_change_this_container_only(self):
        stack = self.stack(APP)
        os.makedirs(stack.folder + "/here")
        with open(stack.folder + "/here/file", "w", encoding="utf-8") as file:
            file.write("bound")
        with open(stack.folder + "/more.env", "w", encoding="utf-8") as file:
            file.write("A=from file\nFROM_FILE=overridden\n")
        out = stack("run", "--rm", "--no-deps", "-e", "B=given", "--env-from-file", "more.env", "-u", "nobody", "-w", "/tmp",
                    "-v", "./here:/there:ro", "-l", "who=me", "--entrypoint", "sh -c", "app",
                    'echo "$A|$B|$FROM_FILE|$(id -un)|$PWD|$(cat /there/file)"', check=0).out
        self.assertEqual("from file|given|overridden|nobody|/tmp|bound\n", out)

    def test_without_rm_it_stays_and_goes_with_down_and_its_orphans(self):
        stack = self.stack(APP)
        stack("run", "--no-deps", "--name", "mine", "app", "sh", "-c", "exit 3", check=3)
        directory = self.berth.root + "/containers"
        self.assertEqual(1, len(os.listdir(directory)))
        self.assertEqual(["mine"], [row["Name"] for row in self.all(stack)])
        self.assertEqual("", stack("ps", "-q", check=0).out)
        clash = stack("run", "--no-deps", "--name", "mine", "app", "true", check=1)
        self.assertIn('"mine"', clash.err)
        stack("down", "--remove-orphans", check=0)
        self.assertEqual([], os.listdir(directory))

    def test_ports_are_published_only_when_asked_for(self):
        stack = self.stack(APP)
        listen = ["app", "sh", "-c", "httpd -p 80 -h /; exec sleep 1000"]
        for flags, reachable in (([], False), (["--service-ports"], True), (["-p", "18098:80"], True)):
            port = 18098 if "-p" in flags else 18099
            name = "ports-" + str(len(flags))
            stack("run", "-d", "--rm", "--no-deps", "--name", name, *flags, *listen, check=0)
            answers = lambda: subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/etc/hostname"],
                                             check=False).returncode == 0
            if reachable:
                wait_until("the port answers", answers)
            else:
                self.assertFalse(answers())
            pid = stack.pid("app")
            os.kill(pid, signal.SIGKILL)
            wait_until("it has removed itself", lambda: not os.listdir(self.berth.root + "/containers"))

    def test_detached_it_prints_its_id_and_goes_on(self):
        stack = self.stack(APP)
        out = stack("run", "-d", "--no-deps", "app", "sleep", "1000", check=0).out
        self.assertRegex(out, r"^[0-9a-f]{64}\n$")
        pid = stack.pid("app")
        self.assertTrue(host.is_alive(pid))
        os.kill(pid, signal.SIGKILL)
        wait_until("it has ended", lambda: not host.is_alive(pid))
        stack("down", "--remove-orphans", "-t", "0", check=0)

    def test_a_command_that_is_not_there_gives_127_and_leaves_nothing(self):
        stack = self.stack(APP)
        outcome = stack("run", "--rm", "app", "no-such-program", check=127)
        self.assertIn("no-such-program", outcome.err)
        self.assertEqual([], self.all(stack))

    def test_with_a_terminal_it_has_one_and_passes_keys(self):
        stack = self.stack(APP)
        command = [BERTH, "run", "--rm", "--no-deps", "app", "sh"]
        with Terminal(command, stack.folder, self.berth.environment, rows=33, columns=99) as terminal:
            terminal.type("tty; stty size\n")
            terminal.wait_for(r"/dev/(pts/\d+|console)")
            terminal.wait_for("33 99")
            terminal.type("exit 6\n")
            self.assertEqual(6, terminal.wait_exit())

    def test_signals_reach_the_command(self):
        stack = self.stack(APP)
        script = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
        command = subprocess.Popen([BERTH, "run", "--rm", "--no-deps", "app", "sh", "-c", script], cwd=stack.folder,
                                   env=self.berth.environment, stdout=subprocess.PIPE, text=True)
        self.assertEqual("ready\n", command.stdout.readline())
        command.send_signal(signal.SIGTERM)
        out, _ = command.communicate(timeout=20)
        self.assertEqual(("told\n", 9), (out, command.returncode))

    def test_another_command_works_on_the_project_meanwhile(self):
        stack = self.stack(APP)
        command = subprocess.Popen([BERTH, "run", "--rm", "app", "sh", "-c", "echo ready; cat"], cwd=stack.folder,
                                   env=self.berth.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual("ready\n", command.stdout.readline())
        stack("restart", "-t", "0", "db", check=0, timeout=10)
        out, _ = command.communicate("still here", timeout=20)
        self.assertEqual(("still here", 0), (out, command.returncode))

    def test_it_outlives_a_killed_supervisor(self):
        """Also where the kernel does not tell how a process of others ended, and the container has gone by the time it is told."""
        for kernel in ([], [compiled("mask.c"), "pidfd_get_info=ENOTTY", "--"]):
            with self.subTest(kernel=kernel[1:2]):
                stack = self.stack(APP)
                command = subprocess.Popen([*kernel, BERTH, "run", "--rm", "--no-deps", "app", "sh", "-c", "echo ready; cat; exit 8"],
                                           cwd=stack.folder, env=self.berth.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           text=True)
                self.assertEqual("ready\n", command.stdout.readline())
                # Killed before it has written the process down, it would take the start back.
                wait_until("it is on record", lambda: '"running"' in "".join(
                    host.read(path) for path in glob.glob(self.berth.run + "/containers/*/state.json")))
                self.berth.kill_helpers("berth-supervisor")
                out, _ = command.communicate("still here", timeout=20 * host.PATIENCE)
                self.assertEqual(("still here", 8), (out, command.returncode))
                wait_until("the new supervisor has removed it", lambda: not os.listdir(self.berth.root + "/containers"))

    def test_killed_itself_it_leaves_no_container(self):
        stack = self.stack(APP)
        command = subprocess.Popen([BERTH, "run", "--rm", "--no-deps", "app", "sh", "-c", "echo ready; exec cat"], cwd=stack.folder,
                                   env=self.berth.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual("ready\n", command.stdout.readline())
        command.kill()
        command.communicate(timeout=20)  # closes the pipe that `cat` reads
        wait_until("it has removed itself", lambda: not os.listdir(self.berth.root + "/containers"))

    def test_mistakes_in_flags_are_named(self):
        stack = self.stack(APP)
        self.assertIn("dta", stack("run", "-v", "dta:/data", "app", check=1).err)
        self.assertIn('"data"', stack("run", "-v", "dta:/data", "app", check=1).err)
        self.assertIn("--publish", stack("run", "-p", "a:b", "app", check=1).err)
        self.assertIn("appp", stack("run", "appp", check=1).err)
        self.assertIn("nope.env", stack("run", "--env-from-file", "nope.env", "app", check=1).err)

    def test_a_supervisor_that_leaves_in_this_moment_is_replaced(self):
        stack = self.stack(APP)
        os.makedirs(self.berth.run, exist_ok=True)
        path = os.path.join(self.berth.run, "supervisor.sock")
        with socket.socket(socket.AF_UNIX) as leaving:
            leaving.bind(path)
            leaving.listen()

            def leave():  # as the kernel does it for one that ends: what was sent is lost, ECONNRESET tells
                connection, _ = leaving.accept()
                connection.recv(1, socket.MSG_PEEK)
                os.unlink(path)
                connection.close()

            owner = threading.Thread(target=leave)
            owner.start()
            self.assertEqual("hello\n", stack("run", "--rm", "--no-deps", "app", "echo", "hello", check=0).out)
            owner.join()
