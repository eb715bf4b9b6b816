"""What can be asked of containers that run, and done to them: pause, top, stats, port, wait."""

import re
import subprocess

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

COUNTING = """
    services:
      web:
        image: busybox:1
        command: ["sh", "-c", "n=0; while :; do n=$$((n+1)); echo $$n > /count; sleep 0.02; done"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 5s
        ports: ["127.0.0.1::80", "127.0.0.1::53/udp"]
        mem_limit: 64m
      idle:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-idle}
        stop_grace_period: 0s
    """


class Paused(Case):
    def count(self, stack):
        pid = stack.pid("web")
        return int(host.read(f"/proc/{pid}/root/count").strip() or 0)

    def assert_still(self, stack):
        first = self.count(stack)
        stack.sh("idle", "sleep 0.3")  # fifteen rounds of the counting
        self.assertEqual(first, self.count(stack))

    def test_a_paused_service_stands_still_until_it_may_go_on(self):
        stack = self.stack(COUNTING)
        stack.up()
        pid = stack.pid("web")
        wait_until("it counts", lambda: self.count(stack) > 0)
        stack("pause", "web", check=0)
        self.assertEqual("paused", stack.ps()["web"]["State"])
        self.assertEqual("running", stack.ps()["idle"]["State"])
        self.assertRegex(stack.ps()["web"]["Status"], r"^Up .*\(Paused\)$")
        self.assert_still(stack)
        again = stack("pause", "web", check=1)
        self.assertIn("is already paused", again.err)
        refused = stack("exec", "-T", "web", "true", check=1)
        self.assertIn("is paused", refused.err)
        stack("unpause", "web", check=0)
        first = self.count(stack)
        wait_until("it counts on", lambda: self.count(stack) > first)
        self.assertEqual(pid, stack.pid("web"))
        self.assertIn("is not paused", stack("unpause", "web", check=1).err)

    def test_pause_without_names_is_about_all(self):
        stack = self.stack(COUNTING)
        stack.up()
        stack("pause", check=0)
        self.assertEqual({"paused"}, {row["State"] for row in stack.ps().values()})
        stack("unpause", check=0)
        self.assertEqual({"running"}, {row["State"] for row in stack.ps().values()})

    def test_stop_kill_and_down_end_what_is_paused(self):
        stack = self.stack(COUNTING)
        stack.up()
        stack("pause", check=0)
        stack("stop", "-t", "1", check=0, timeout=30)
        self.assertEqual({"exited"}, {row["State"] for row in stack.ps().values()})
        stack("start", check=0)
        stack("pause", check=0)
        stack("kill", check=0)
        wait_until("both ended", lambda: {"exited"} == {row["State"] for row in stack.ps().values()})
        stack("start", check=0)
        stack("pause", check=0)
        stack("down", "-t", "1", check=0, timeout=30)

    def test_it_stays_paused_when_the_supervisor_is_killed(self):
        stack = self.stack(COUNTING)
        stack.up()
        wait_until("it counts", lambda: self.count(stack) > 0)
        stack("pause", "web", check=0)
        self.berth.kill_helpers("berth-supervisor")
        wait_until("there is another", lambda: self.berth.helpers("berth-supervisor"))
        self.assertEqual("paused", stack.ps()["web"]["State"])
        self.assert_still(stack)
        stack("unpause", "web", check=0)
        first = self.count(stack)
        wait_until("it counts on", lambda: self.count(stack) > first)

    def test_probes_rest_meanwhile(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                stop_grace_period: 0s
                healthcheck: {test: [CMD, "true"], interval: 100ms, timeout: 200ms, retries: 1}
              other: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}
            """)
        stack.up("--wait")
        stack("pause", "web", check=0)
        stack.sh("other", "sleep 1")  # time for several probes
        stack("unpause", "web", check=0)
        self.assertEqual("healthy", stack.ps()["web"]["Health"])


class Looking(Case):
    def test_top_lists_the_processes_of_each_service_as_the_host_sees_them(self):
        stack = self.stack(COUNTING)
        stack.up()
        header, *rows = stack("top", check=0).out.splitlines()
        self.assertEqual(["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], header.split())
        idle = [row.split(None, 9) for row in rows if row.startswith("idle ")]
        self.assertEqual(1, len(idle), rows)
        self.assertEqual(["1", "root", str(stack.pid("idle"))], idle[0][1:4])
        self.assertEqual("sleep 100000", idle[0][9].strip())
        name = stack.ps()["idle"]["Name"]
        single = stack("container", "top", name, check=0).out.splitlines()
        self.assertEqual(["UID", "PID"], single[0].split()[:2])
        self.assertEqual(str(stack.pid("idle")), single[1].split()[1])

    def test_port_prints_where_a_port_is_published(self):
        stack = self.stack(COUNTING)
        stack.up()
        tcp = stack("port", "web", "80", check=0).out
        self.assertRegex(tcp, r"^127\.0\.0\.1:\d+\n$")
        udp = stack("port", "--protocol", "udp", "web", "53", check=0).out
        self.assertRegex(udp, r"^127\.0\.0\.1:\d+\n$")
        published = {p["TargetPort"]: p["PublishedPort"] for p in stack.ps()["web"]["Publishers"]}
        self.assertEqual(f"127.0.0.1:{published[80]}\n", tcp)
        wrong = stack("port", "web", "81", check=1)
        self.assertIn(f"no port 81/tcp for container {stack.ps()['web']['Name']}", wrong.err)
        self.assertIn(f"80/tcp->127.0.0.1:{published[80]}", wrong.err)
        name = stack.ps()["web"]["Name"]
        self.assertEqual({f"80/tcp -> {tcp.strip()}", f"53/udp -> {udp.strip()}"},
                         set(stack("container", "port", name, check=0).out.splitlines()))
        self.assertEqual(udp, stack("container", "port", name, "53/udp", check=0).out)

    def test_stats_are_what_the_kernel_counts(self):
        stack = self.stack(COUNTING)
        stack.up()
        rows = {row["Name"]: row for row in stack("stats", "--no-stream", "--format", "json", check=0).json()}
        web = rows[stack.ps()["web"]["Name"]]
        self.assertEqual(["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"], list(web))
        self.assertTrue(web["MemUsage"].endswith(" / 64MiB"), web)
        self.assertGreater(float(web["CPUPerc"].rstrip("%")), 0.0)
        self.assertIn(web["PIDs"], ("1", "2"))
        table = stack("stats", "--no-stream", "web", check=0).out.splitlines()
        self.assertEqual(2, len(table))
        self.assertTrue(table[0].startswith("CONTAINER ID   NAME"))
        self.assertRegex(table[1], r" \d+\.\d\d% ")
        stack("stop", "-t", "0", "web", check=0)
        self.assertEqual("", stack("stats", "--no-stream", "--format", "{{.Name}}", "web", check=0).out)
        stopped = stack("stats", "-a", "--no-stream", "--format", "{{.CPUPerc}} {{.MemUsage}}", "web", check=0).out
        self.assertEqual("0.00% 0B / 0B\n", stopped)

    def test_stats_on_a_terminal_are_drawn_again_and_again_until_ctrl_c(self):
        stack = self.stack(COUNTING)
        stack.up()
        with Terminal([BERTH, "stats"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_for(r"(?s)CONTAINER ID.*\x1b\[H.*CONTAINER ID")
            terminal.type("\x03")
            self.assertEqual(130, terminal.wait_exit())


class Waiting(Case):
    JOBS = """
        services:
          quick: {image: busybox:1, command: [sh, -c, "sleep 0.3; exit 3"]}
          slow: {image: busybox:1, command: [sh, -c, "sleep 0.9; exit 4"]}
        """

    def test_wait_tells_how_each_ended_and_returns_the_last_code(self):
        stack = self.stack(self.JOBS)
        stack.up()
        done = stack("wait", "quick", "slow", check=4)
        codes = re.findall(r'^container "[0-9a-f]{64}" exited with status code (\d)$', done.out, re.M)
        self.assertEqual(["3", "4"], codes)
        self.assertIn("no containers for project", stack("wait", "slow", check=1).err)

    def test_wait_can_take_the_project_down(self):
        stack = self.stack(self.JOBS)
        stack.up()
        stack("wait", "--down-project", "quick", check=3)
        self.assertEqual({}, stack.ps())

    def test_the_containers_form_prints_codes_also_of_those_that_have_ended(self):
        stack = self.stack(self.JOBS)
        stack.up()
        names = [stack.ps()[service]["Name"] for service in ("slow", "quick")]
        self.assertEqual("4\n3\n", stack("container", "wait", *names, check=0).out)
        self.assertEqual("4\n3\n", stack("container", "wait", *names, check=0).out)
        self.assertIn("No such container: nobody", stack("container", "wait", "nobody", check=1).err)


class Attached(Case):
    SHELLS = """
        services:
          term:
            image: busybox:1
            command: [sh]
            tty: true
            stdin_open: true
            stop_grace_period: 0s
          pipe:
            image: busybox:1
            command: [sh, -c, "while read line; do echo got $$line; echo err $$line >&2; done"]
            stdin_open: true
            stop_grace_period: 0s
          ticks:
            image: busybox:1
            command: [sh, -c, "trap 'echo bye; exit 9' TERM; while :; do echo tick; sleep 0.05; done"]
            stop_grace_period: 0s
        """

    def test_on_a_terminal_keys_reach_the_container_and_the_detach_keys_leave_it(self):
        stack = self.stack(self.SHELLS)
        stack.up()
        with Terminal([BERTH, "attach", "term"], stack.folder, self.berth.environment, rows=33, columns=101) as terminal:
            terminal.type("echo $((40+2)) $(stty size)\r")
            terminal.wait_for(r"42 33 101")
            terminal.resize(20, 60)
            terminal.type("stty size\r")
            terminal.wait_for(r"20 60")
            terminal.type("\x10\x11")
            self.assertEqual(0, terminal.wait_exit())
        self.assertEqual("running", stack.ps()["term"]["State"])
        with Terminal([BERTH, "attach", "--detach-keys", "ctrl-x", "term"], stack.folder, self.berth.environment) as terminal:
            terminal.type("exit 5\r")
            self.assertEqual(5, terminal.wait_exit())

    def test_it_finds_the_terminal_again_when_the_supervisor_was_killed(self):
        stack = self.stack(self.SHELLS)
        stack.up()
        self.berth.kill_helpers("berth-supervisor")
        with Terminal([BERTH, "attach", "term"], stack.folder, self.berth.environment) as terminal:
            terminal.type("echo $((40+2))\r")
            terminal.wait_for(r"42")
            terminal.type("exit 0\r")
            self.assertEqual(0, terminal.wait_exit())

    def test_standard_input_and_both_outputs_without_a_terminal(self):
        stack = self.stack(self.SHELLS)
        stack.up()
        attached = self.popen(stack, "attach", "pipe")
        attached.stdin.write("one\n")
        attached.stdin.flush()
        self.assertEqual("got one\n", attached.stdout.readline())
        self.assertEqual("err one\n", attached.stderr.readline())
        stack("kill", "pipe", check=0)
        self.assertEqual(137, attached.wait(timeout=20))

    def test_signals_are_for_the_container_unless_one_says_otherwise(self):
        stack = self.stack(self.SHELLS)
        stack.up()
        attached = self.popen(stack, "attach", "--sig-proxy=false", "--no-stdin", "ticks")
        self.assertEqual("tick\n", attached.stdout.readline())
        attached.terminate()
        self.assertEqual(130, attached.wait(timeout=20))
        self.assertEqual("running", stack.ps()["ticks"]["State"])
        attached = self.popen(stack, "attach", "ticks")
        self.assertEqual("tick\n", attached.stdout.readline())
        attached.terminate()
        self.assertEqual(9, attached.wait(timeout=20))
        self.assertIn("bye\n", attached.stdout.read())

    def test_what_cannot_be_attached_says_why(self):
        stack = self.stack(self.SHELLS)
        stack.up("term")
        self.assertIn("has no container", stack("attach", "pipe", check=1).err)
        self.assertIn('"esc" is no key', stack("attach", "--detach-keys", "esc", "term", check=1).err)
        stack("stop", "-t", "0", check=0)
        self.assertIn("is not running", stack("attach", "term", check=1).err)

    def popen(self, stack, *arguments):
        process = subprocess.Popen([BERTH, *arguments], cwd=stack.folder, env=self.berth.environment, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process
