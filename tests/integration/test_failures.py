"""A start that fails says which service, why and what to do; exits 1; and leaves the host as it was."""

import socket

import host
from harness import Case

IDLE = "image: busybox:1, command: [sleep, '100000'], stop_grace_period: 0s"


class Failures(Case):
    def fails(self, compose, *parts, arguments=("up", "-d"), leaves_containers=False):
        """Brings the stack up; its message must match every part. Then nothing may be left that was not there before."""
        before = host.snapshot()
        stack = self.stack(compose)
        outcome = stack(*arguments, timeout=60)
        self.assertEqual(1, outcome.code, str(outcome))
        for part in parts:
            self.assertRegex(outcome.err, part)
        if leaves_containers:
            stack("down", "-v", "-t", "0", check=0)
        self.assertEqual([], host.differences_once_settled(before, self.berth), str(outcome))
        return outcome

    def test_a_missing_image(self):
        self.fails(f"services: {{web: {{image: 'no-such-image:7'}}, other: {{{IDLE}}}}}", "web", "no-such-image:7",
                   r"berth (import|load)")

    def test_a_command_that_is_not_there(self):
        self.fails(f"services: {{web: {{image: busybox:1, command: [no-such-program]}}, other: {{{IDLE}}}}}", "web",
                   "no-such-program", "(?i)not found|no such file")

    def test_a_command_that_is_not_executable(self):
        self.fails("services: {web: {image: busybox:1, command: [/etc/passwd]}}", "web", "/etc/passwd", "(?i)permission|execut")

    def test_a_port_in_use(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as holder:
            holder.bind(("::", 0))
            holder.listen()
            port = holder.getsockname()[1]
            self.fails(f"services: {{web: {{{IDLE}, ports: ['{port}:80']}}, other: {{{IDLE}}}}}", "web", str(port),
                       "(?i)in use|taken|held")

    def test_a_port_held_by_another_project(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
            port = probe.getsockname()[1]
        compose = f"services: {{web: {{{IDLE}, ports: ['{port}:80']}}}}"
        holder = self.stack(compose, "holder")
        holder.up()
        outcome = self.stack(compose, "latecomer")("up", "-d", check=1)
        self.assertRegex(outcome.err, str(port))
        self.assertRegex(outcome.err, "holder")
        holder("down", check=0)

    def test_two_services_with_the_same_port(self):
        self.fails(f"services: {{one: {{{IDLE}, ports: ['18931:80']}}, two: {{{IDLE}, ports: ['18931:81']}}}}", "18931", "one|two")

    def test_a_dependency_that_gets_unhealthy(self):
        self.fails(f"""
            services:
              web: {{{IDLE}, depends_on: {{db: {{condition: service_healthy}}}}}}
              db: {{{IDLE}, healthcheck: {{test: [CMD, 'false'], interval: 0.1s, retries: 2}}}}
            """, "db", "unhealthy", leaves_containers=True)

    def test_a_dependency_that_exits_instead_of_getting_healthy(self):
        self.fails(f"""
            services:
              web: {{{IDLE}, depends_on: {{db: {{condition: service_healthy}}}}}}
              db: {{image: busybox:1, command: [sh, -c, 'echo cannot go on; exit 4'], healthcheck: {{test: [CMD, 'true'], interval: 60s}}}}
            """, "db", r"exit\w* .*4|4.*exit", leaves_containers=True)

    def test_a_job_that_fails(self):
        self.fails(f"""
            services:
              web: {{{IDLE}, depends_on: {{job: {{condition: service_completed_successfully}}}}}}
              job: {{image: busybox:1, command: [sh, -c, 'exit 3']}}
            """, "job", r"\b3\b", leaves_containers=True)

    def test_a_bind_source_that_is_missing(self):
        self.fails(f"""
            services:
              web:
                image: busybox:1
                volumes: [{{type: bind, source: ./no-such-folder, target: /data, bind: {{create_host_path: false}}}}]
            """, "web", "no-such-folder")

    def test_an_unknown_user(self):
        self.fails(f"services: {{web: {{{IDLE}, user: stranger}}}}", "web", "stranger")

    def test_a_network_with_an_overlapping_subnet(self):
        self.fails(f"""
            services: {{web: {{{IDLE}}}}}
            networks: {{default: {{ipam: {{config: [{{subnet: 127.0.0.0/24}}]}}}}}}
            """, r"127\.0\.0\.0/24")

    def test_no_compose_file(self):
        outcome = self.berth("up", "-d", cwd="/proc/self/task", check=None)
        self.assertNotEqual(0, outcome.code)
        self.assertIn("compose.yaml", outcome.err)
