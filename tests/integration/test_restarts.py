"""Restart policies: what starts again, when, how often, and that no death of a helper makes them forget."""

import json
import os

import host
from harness import Case, wait_until

IDLE = 'image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s, environment: {BERTH_TEST_MARK: %MARK%-web}'
FAILS = "image: busybox:1, command: [sh, -c, 'echo run; exit 3']"


class Restarts(Case):
    def state(self, stack):
        (container,) = stack("ps", "-a", "-q", "web", check=0).out.split()
        with open(os.path.join(self.berth.run, "containers", container, "state.json"), encoding="utf-8") as file:
            return json.load(file)

    def wait_for(self, stack, status):
        wait_until(f"it is {status}", lambda: self.state(stack)["status"] == status)
        return self.state(stack)

    def runs(self, stack):
        return stack("logs", "--no-log-prefix", "web", check=0).out.count("run")

    def test_the_delay_of_deploy_is_kept_and_survives_the_supervisor(self):
        stack = self.stack(f"services: {{web: {{{FAILS}, deploy: {{restart_policy: {{condition: any, delay: 1h}}}}}}}}")
        stack.up()
        state = self.wait_for(stack, "restarting")
        self.assertEqual(3600 * 10**9, state["restarts"]["delay_ns"])
        self.berth.kill_helpers("berth-supervisor")
        other = self.stack(f"services: {{web: {{{IDLE}}}}}", "other")
        other.up()  # the new supervisor has taken everything over before it answers
        self.assertEqual("restarting", self.state(stack)["status"])
        self.assertEqual(1, self.runs(stack))
        stack("stop", check=0)
        self.assertEqual("exited", self.state(stack)["status"])
        stack("start", check=0)
        wait_until("it has run again", lambda: self.runs(stack) == 2)
        self.assertEqual(1, self.wait_for(stack, "restarting")["restart_count"], "a manual start counts anew")

    def test_attempts_end_whoever_counts_them(self):
        stack = self.stack(f"""
            services:
              web: {{{IDLE}, deploy: {{restart_policy: {{condition: on-failure, delay: 0s, max_attempts: 2, window: 0s}}}}}}
            """)
        stack.up()
        seen = []
        for _ in range(2):
            seen.append(stack.pid("web"))
            os.kill(seen[-1], 9)
            wait_until("it runs again", lambda: [pid for pid in host.first_processes(f"{stack.mark}-web") if pid not in seen])
            self.berth.kill_helpers("berth-supervisor")
        os.kill(stack.pid("web"), 9)
        self.assertEqual(2, self.wait_for(stack, "exited")["restart_count"])

    def test_a_policy_of_any_gives_up_too(self):
        stack = self.stack(f"""
            services: {{web: {{{FAILS}, deploy: {{restart_policy: {{condition: any, delay: 10ms, max_attempts: 3}}}}}}}}
            """)
        stack.up()
        state = self.wait_for(stack, "exited")
        self.assertEqual((3, 3), (state["exit_code"], state["restart_count"]))
        self.assertEqual(4, self.runs(stack))

    def test_none_wins_over_restart(self):
        stack = self.stack(f"services: {{web: {{{FAILS}, restart: always, deploy: {{restart_policy: {{condition: none}}}}}}}}")
        stack.up()
        self.assertEqual(0, self.wait_for(stack, "exited")["restart_count"])

    def test_what_somebody_has_stopped_stays_so(self):
        for command in (("stop",), ("kill",), ("kill", "-s", "TERM")):
            with self.subTest(command):
                stack = self.stack("""
                    services:
                      web:
                        image: busybox:1
                        command: [sh, -c, "trap 'exit 1' TERM; while :; do sleep 0.02; done"]
                        restart: always
                    """)
                stack.up()
                stack(*command, check=0)
                self.assertTrue(self.wait_for(stack, "exited")["stopped_by_user"])
                self.berth.kill_helpers("berth-supervisor", "berth-keeper")
                other = self.stack(f"services: {{web: {{{IDLE}}}}}", "other")
                other.up()
                self.assertEqual("exited", self.state(stack)["status"])
                other("down", check=0)
                stack("down", check=0)

    def test_a_pause_grows_across_supervisors(self):
        stack = self.stack(f"services: {{web: {{{IDLE}, restart: always}}}}")
        stack.up()
        pauses = []
        for _ in range(3):
            pid = stack.pid("web")
            os.kill(pid, 9)
            wait_until("it runs again", lambda: host.first_processes(f"{stack.mark}-web") not in ([], [pid]))
            pauses.append(wait_until("that is written", lambda: self.state(stack)["restarts"]["delay_ns"]))
            self.berth.kill_helpers("berth-supervisor")
        self.assertEqual([100, 200, 400], [pause // 10**6 for pause in pauses])
