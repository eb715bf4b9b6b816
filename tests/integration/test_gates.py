"""Gates: who waits for whom, when they let go, and what is said when one stays shut."""

import subprocess

from harness import BERTH, Case, wait_until

IDLE = 'image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s'
JOB = "image: busybox:1, command: [sh, -c, 'exit 0']"


class Gates(Case):
    def test_a_gate_that_stays_shut_tells_the_whole_chain(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, depends_on: [api]}}
              api: {{{IDLE}, depends_on: {{db: {{condition: service_healthy}}}}}}
              db:
                image: busybox:1
                command: [sh, -c, "echo last words; exec sleep 100000"]
                stop_grace_period: 0s
                healthcheck: {{test: "echo disk is full; exit 9", interval: 0.1s, retries: 2}}
            """, "shop")
        outcome = stack("up", "-d", check=1)
        self.assert_in_order(outcome.err, "dependency failed to start", "container shop-db-1 is unhealthy",
                             "last probe exited with 9: disk is full", "last words",
                             "shop-api-1 waited for shop-db-1 to be healthy", "shop-web-1 waited for shop-api-1 to start")

    def fails_by(self, db, *parts):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, depends_on: {{db: {{condition: service_healthy}}}}}}
              db: {{image: busybox:1, {db}, healthcheck: {{test: "false", interval: 1h}}}}
            """)
        outcome = stack("up", "-d", check=1)
        for part in parts:
            self.assertIn(part, outcome.err)

    def test_a_dependency_that_ends_by_a_signal_is_said_to(self):
        self.fails_by("command: [sh, -c, 'sleep 0.1 & wait; kill -SEGV 1; exit 139']", "exited (139)", "SIGSEGV")

    def test_a_dependency_that_uses_up_its_memory_is_said_to(self):
        self.fails_by('command: [sh, -c, "x=a; while :; do x=$$x$$x; done"], mem_limit: 16m', "exited (137)", "memory limit",
                      "raise mem_limit")

    def test_wait_fails_for_what_has_ended_even_well_unless_somebody_waited_for_that(self):
        stack = self.stack(f"services: {{web: {{{IDLE}}}, job: {{image: busybox:1, command: [sleep, '0.2'], "
                           "healthcheck: {test: 'false', interval: 1h}}}")
        outcome = stack("up", "--wait", check=1)
        self.assertRegex(outcome.err, r"job-1 exited \(0\)")
        stack("down", check=0)
        stack.write(f"services: {{web: {{{IDLE}, depends_on: {{job: {{condition: service_completed_successfully}}}}}}, job: {{{JOB}}}}}")
        stack("up", "--wait", check=0)
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_the_time_to_wait_is_limited_at_gates_too(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, depends_on: {{db: {{condition: service_healthy}}}}}}
              db: {{{IDLE}, healthcheck: {{test: [CMD, "false"], interval: 1h}}}}
            """)
        outcome = stack("up", "--wait", "--wait-timeout", "1", check=1)
        self.assertRegex(outcome.err, "db-1 .*not healthy after 1s")

    def test_start_waits_where_it_is_told_to(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, healthcheck: {{test: "[ -e /ok ]", interval: 0.05s, retries: 100000}}}}
            """)
        stack.up()
        stack("stop", check=0)
        outcome = stack("start", "--wait", "--wait-timeout", "1", check=1)
        self.assertRegex(outcome.err, "web-1 .*not ready after 1s")
        with subprocess.Popen([BERTH, "start", "--wait"], cwd=stack.folder, env=self.berth.environment) as start:
            wait_until("it runs", lambda: stack.ps()["web"]["State"] == "running")
            self.assertIsNone(start.poll())
            stack.sh("web", "touch /ok")
            self.assertEqual(0, start.wait(30))
        self.assertEqual("healthy", stack.ps()["web"]["Health"])

    def test_start_without_wait_does_not(self):
        stack = self.stack(f"services: {{web: {{{IDLE}, healthcheck: {{test: 'false', interval: 1h}}}}}}")
        stack.up()
        stack("stop", check=0)
        stack("start", check=0)
        self.assertEqual("starting", stack.ps()["web"]["Health"])

    def test_abort_on_failure_stops_all_with_the_code_of_the_first_that_failed(self):
        stack = self.stack(f"""
            services:
              good: {{{JOB}}}
              bad: {{image: busybox:1, command: [sh, -c, "exit 3"], depends_on: {{good: {{condition: service_completed_successfully}}}}}}
              web: {{{IDLE}}}
            """)
        stack("up", "--abort-on-container-failure", check=3)
        self.assertEqual({"exited"}, {row["State"] for row in stack.ps().values()})

    def test_abort_on_failure_goes_on_while_all_is_well(self):
        stack = self.stack(f"services: {{one: {{{JOB}}}, two: {{image: busybox:1, command: [sleep, '0.2']}}}}")
        stack("up", "--abort-on-container-failure", check=0)

    def test_abort_on_exit_has_the_code_of_the_first_that_ended(self):
        stack = self.stack(f"services: {{job: {{image: busybox:1, command: [sh, -c, 'exit 4']}}, web: {{{IDLE}}}}}")
        stack("up", "--abort-on-container-exit", check=4)
        self.assertEqual("exited", stack.ps()["web"]["State"])

    def test_an_end_that_a_policy_takes_back_aborts_nothing(self):
        stack = self.stack("""
            services:
              job:
                image: busybox:1
                command: [sh, -c, "echo . >>/out/runs; [ $$(wc -l </out/runs) -lt 3 ] && exit 9; exit 5"]
                volumes: ["data:/out"]
                deploy: {restart_policy: {condition: on-failure, delay: 0s, max_attempts: 2}}
            volumes: {data: }
            """)
        stack("up", "--abort-on-container-exit", check=5)

    def test_flags_that_exclude_each_other_are_refused(self):
        stack = self.stack(f"services: {{web: {{{IDLE}}}}}")
        for flags in (("-d", "--abort-on-container-failure"), ("--wait", "--exit-code-from", "web"),
                      ("--abort-on-container-exit", "--abort-on-container-failure")):
            self.assertIn("cannot be combined", stack("up", *flags, check=1).err)
