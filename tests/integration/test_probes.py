"""Health checks: how containers are probed, and berth's own kinds of probes, which need no program in the image."""

import contextlib
import io
import json
import os
import socket
import subprocess
import tarfile

import busybox
import host
from harness import Case, needs_nftables, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
IDLE = 'image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s, environment: {BERTH_TEST_MARK: %MARK%-web}'


class ProbeCase(Case):
    def state(self, stack, service="web"):
        (container,) = stack("ps", "-a", "-q", service, check=0).out.split()
        with open(os.path.join(self.berth.run, "containers", container, "state.json"), encoding="utf-8") as file:
            return json.load(file)

    def last_output(self, stack):
        def output():
            probes = self.state(stack)["probes"]
            return probes and probes[-1]["output"]
        return wait_until("a probe has ended", output)


def import_server_alone(berth):
    """An image with one program and nothing else: no shell, no library, no folder that a probe could use."""
    path = os.path.join(berth.home, "alone.tar")
    with tarfile.open(path, "w") as tar, open(os.path.realpath(busybox.BUSYBOX), "rb") as program:
        entry = tarfile.TarInfo("httpd")
        entry.mode, entry.size = 0o755, os.fstat(program.fileno()).st_size
        tar.addfile(entry, program)
        page = tarfile.TarInfo("www/ok")
        page.size = 3
        tar.addfile(page, io.BytesIO(b"ok\n"))
    berth("import", "--change", 'CMD ["/httpd", "-f", "-p", "8080", "-h", "/www"]', path, "alone:1", check=0)


def import_images(berth):
    berth.import_busybox()
    import_server_alone(berth)


class NativeProbes(ProbeCase):
    images = staticmethod(import_images)

    def test_http_needs_nothing_in_the_image(self):
        stack = self.stack("""
            services:
              web: {image: "alone:1", healthcheck: {x-berth-probe: {http: 8080/ok}, interval: 1h}, stop_grace_period: 0s}
            """)
        stack("up", "--wait", check=0)
        self.assertEqual("healthy", stack.ps()["web"]["Health"])
        self.assertEqual("HTTP/1.1 200 OK", self.last_output(stack))

    def test_http_with_another_status_is_not_healthy_and_says_which(self):
        stack = self.stack("""
            services:
              web:
                image: "alone:1"
                healthcheck: {x-berth-probe: {http: "http://localhost:8080/missing"}, interval: 0.1s, retries: 1}
                stop_grace_period: 0s
            """)
        outcome = stack("up", "--wait", check=1)
        self.assertIn("is unhealthy", outcome.err)
        self.assertIn("404 Not Found", outcome.err)

    def test_tcp_is_healthy_once_somebody_listens(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{x-berth-probe: {{tcp: 5432}}, interval: 0.1s, retries: 1000}}}}
            """)
        stack.up()
        wait_until("nobody listens", lambda: "Connection refused" in self.last_output(stack))
        stack.exec("web", "sh", "-c", "httpd -p 127.0.0.1:5432")
        wait_until("it is healthy", lambda: stack.ps()["web"]["Health"] == "healthy")

    def test_the_network_that_is_probed_is_the_containers(self):
        with socket.create_server(("127.0.0.1", 0)) as outside:
            port = outside.getsockname()[1]
            stack = self.stack(f"""
                services:
                  web:
                    {{{IDLE}, network_mode: none, healthcheck: {{x-berth-probe: {{tcp: {port}}}, interval: 0.1s, retries: 1}}}}
                """)
            stack.up()
            wait_until("it is unhealthy", lambda: stack.ps()["web"]["Health"] == "unhealthy")

    @contextlib.contextmanager
    def inside(self, stack, *command):
        """A program of the host in the network of the container."""
        pid = stack.pid("web")
        with subprocess.Popen(["nsenter", "-t", str(pid), "-n", *command]) as process:
            try:
                yield
            finally:
                process.kill()

    def test_grpc_asks_for_the_health_of_a_service(self):
        for server in ("grpc_server.py", "grpc_library_server.py"):
            for target, health, said in (("50051", "healthy", "SERVING"), ("50051/shop.Cart", "healthy", "SERVING"),
                                         ("50051/shop.Slow", "unhealthy", "NOT_SERVING"),
                                         ("50051/shop.Nobody", "unhealthy", "no health of this service")):
                with self.subTest(server=server, target=target):
                    stack = self.stack(f"""
                        services:
                          web: {{{IDLE}, healthcheck: {{x-berth-probe: {{grpc: {target}}}, interval: 0.1s, retries: 1}}}}
                        """)
                    stack.up()
                    with self.inside(stack, "/usr/bin/python3", os.path.join(HERE, server), "50051"):
                        wait_until(f"it is {health}", lambda stack=stack, health=health, said=said:
                                   stack.ps()["web"]["Health"] == health and said in self.last_output(stack))
                    stack("down", "-t", "0", check=0)

    def test_grpc_with_a_server_of_another_kind_says_so(self):
        stack = self.stack("""
            services:
              web: {image: "alone:1", healthcheck: {x-berth-probe: {grpc: 8080}, interval: 0.1s, retries: 1}, stop_grace_period: 0s}
            """)
        stack.up()
        wait_until("it is unhealthy", lambda: stack.ps()["web"]["Health"] == "unhealthy")
        self.assertRegex(self.last_output(stack), "not HTTP/2|without an answer|reset")

    @needs_nftables
    def test_one_that_gets_no_answer_ends_with_its_container(self):
        """Its socket would keep the network namespace, and with it the interface."""
        before = host.snapshot()
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{x-berth-probe: {{tcp: 8080}}, interval: 0.1s, timeout: 1h, retries: 1000}}}}
            """)
        stack.up()
        rules = "table ip mute { chain in { type filter hook input priority 0; tcp dport 8080 drop; }; }"
        subprocess.run(["nsenter", "-t", str(stack.pid("web")), "-n", "nft", rules], check=True)
        sockets = ["nsenter", "-t", str(stack.pid("web")), "-n", "ss", "-Htn", "state", "syn-sent"]
        wait_until("a probe gets no answer", lambda: subprocess.check_output(sockets))
        stack("down", check=0)
        self.assertEqual([], host.differences_once_settled(before, self.berth))


class Probing(ProbeCase):
    def test_early_probes_see_readiness_long_before_the_interval(self):
        stack = self.stack(f"services: {{web: {{{IDLE}, healthcheck: {{test: 'true', interval: 1h}}}}}}")
        stack("up", "--wait", check=0)

    def test_strict_waits_for_the_interval(self):
        stack = self.stack(f"""
            services: {{web: {{{IDLE}, x-berth-probing: strict, healthcheck: {{test: 'true', interval: 300ms}}}}}}
            """)
        stack("up", "--wait", check=0)
        state = self.state(stack)
        self.assertGreaterEqual(state["probes"][0]["start_ns"] - state["started_ns"], 300_000_000)

    def test_one_that_hangs_is_killed_when_its_time_is_over_and_the_next_one_comes(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{test: 'echo begun; [ -e /ok ] || sleep 1000', interval: 0.1s, timeout: 0.3s, retries: 1}}}}
            """)
        stack.up()
        wait_until("it is unhealthy", lambda: stack.ps()["web"]["Health"] == "unhealthy")
        self.assertEqual("begun\nHealth check exceeded timeout (300ms)", self.last_output(stack))
        stack.sh("web", "touch /ok")
        wait_until("it is healthy", lambda: stack.ps()["web"]["Health"] == "healthy")

    def test_one_that_leaves_a_daemon_with_its_output_open_is_over_when_it_ends(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{test: 'sleep 1000 & echo daemon left', interval: 1h, timeout: 1h}}}}
            """)
        stack("up", "--wait", check=0)
        self.assertEqual("daemon left\n", self.last_output(stack))

    def test_of_one_that_prints_without_measure_the_beginning_is_kept(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{test: 'yes berth | head -c 200000000', interval: 1h, timeout: 10m}}}}
            """)
        stack("up", "--wait", check=0)
        self.assertEqual(("berth\n" * 1000)[:4096], self.last_output(stack))

    def test_the_container_may_end_while_it_is_probed(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{test: 'touch /tmp/begun; sleep 1000', interval: 1h, timeout: 1h}}}}
            """)
        stack.up()
        wait_until("a probe runs", lambda: stack.sh("web", "ls /tmp") == "begun")
        os.kill(stack.pid("web"), 9)
        wait_until("its end is seen", lambda: stack.ps()["web"]["State"] == "exited")
        self.assertEqual("", stack.ps()["web"]["Health"])

    def test_what_is_unhealthy_is_started_again_where_that_is_asked_for(self):
        stack = self.stack(f"""
            services:
              web:
                {{{IDLE}, tmpfs: [/run], healthcheck: {{test: '[ ! -e /run/sick ]', interval: 0.1s, retries: 2,
                  x-berth-restart-unhealthy: true}}}}
            """)
        stack("up", "--wait", check=0)
        first = stack.pid("web")
        stack.sh("web", "touch /run/sick")
        wait_until("there is another process", lambda: host.first_processes(f"{stack.mark}-web") not in ([], [first]))
        wait_until("it is healthy", lambda: stack.ps()["web"]["Health"] == "healthy")
        self.assertEqual(1, self.state(stack)["restart_count"])
        stack("stop", check=0)
        self.assertEqual("exited", stack.ps()["web"]["State"])

    def test_what_enters_a_container_that_is_out_of_memory_takes_nobody_along(self):
        """Until it has its own, it works in the memory of the supervisor, or of the command."""
        stack = self.stack("""
            services:
              greedy:
                image: busybox:1
                command: [sh, -c, "while :; do tail /dev/zero; done"]
                restart: always
                mem_limit: 20m
                memswap_limit: 20m
                stop_grace_period: 0s
                healthcheck: {test: [CMD, "true"], interval: 5ms, retries: 1000000}
            """)
        stack.up()
        # What is on its way in is a child of the supervisor, and goes by its name.
        alive = lambda: (min(self.berth.helpers("berth-supervisor")), self.berth.helpers("berth-keeper"))
        before = alive()
        for _ in range(40):
            # It may want for memory, or find nobody there, but the kernel does not end it.
            self.assertGreaterEqual(stack("exec", "-T", "greedy", "true").code, 0)
        wait_until("it has run out of memory",
                   lambda: '"action":"oom"' in stack("events", "--json", "--since", "10m", "--until", "0s").out)
        self.assertEqual(before, alive())

    def test_a_new_supervisor_starts_what_was_unhealthy_when_the_last_one_died(self):
        stack = self.stack(f"""
            services:
              web:
                {{{IDLE}, tmpfs: [/run], healthcheck: {{test: '[ ! -e /run/sick ]', interval: 0.1s, retries: 2,
                  x-berth-restart-unhealthy: true}}}}
            """)
        stack("up", "--wait", check=0)
        first = stack.pid("web")
        stack.sh("web", "touch /run/sick")
        self.berth.kill_helpers("berth-supervisor")
        wait_until("there is another process", lambda: host.first_processes(f"{stack.mark}-web") not in ([], [first]))
        wait_until("it is healthy", lambda: stack.ps()["web"]["Health"] == "healthy")
