"""`berth events`: what happens to containers, complete and in order."""

import json
import os
import signal
import subprocess

from harness import BERTH, Case, wait_until

PAIR = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        labels: {tier: front}
        stop_grace_period: 0s
      job:
        image: busybox:1
        command: ["sh", "-c", "exit 3"]
    """


class Events(Case):
    def events(self, stack, *arguments):
        lines = stack("events", "--json", "--since", "1h", "--until", "0s", *arguments, check=0).out.splitlines()
        return [json.loads(line) for line in lines]

    def actions(self, stack, service):
        return [event["action"] for event in self.events(stack, service)]

    @staticmethod
    def watches(pid):
        folder = f"/proc/{pid}/fd"
        return any("inotify" in os.readlink(os.path.join(folder, name)) for name in os.listdir(folder))

    def test_the_life_of_a_container_is_told_in_its_order(self):
        stack = self.stack(PAIR)
        stack.up("web")
        stack.sh("web", "true")
        stack("pause", check=0)
        stack("unpause", check=0)
        stack("restart", "-t", "0", check=0)
        stack("kill", "-s", "USR1", "web", check=0)
        stack("stop", "-t", "0", check=0)
        stack("rm", "-f", check=0)
        told = [event["action"] for event in self.events(stack)]
        self.assertEqual(
            ["create", "start", "exec_create: sh -c true", "exec_start: sh -c true", "exec_die", "pause", "unpause",
             "kill", "kill", "die", "stop", "start", "restart", "kill", "kill", "kill", "die", "stop", "destroy"], told)

    def test_json_has_the_keys_of_compose_and_no_labels_of_its_own(self):
        stack = self.stack(PAIR)
        stack.up("job")
        wait_until("the job is over", lambda: "die" in self.actions(stack, "job"))
        died = [event for event in self.events(stack, "job") if event["action"] == "die"][0]
        self.assertEqual({"action", "attributes", "id", "service", "time", "type"}, set(died))
        self.assertEqual(("container", "job", 64), (died["type"], died["service"], len(died["id"])))
        self.assertRegex(died["attributes"].pop("execDuration"), r"^\d+$")
        self.assertEqual({"exitCode": "3", "image": "busybox:1", "name": f"{stack.name}-job-1"}, died["attributes"])
        self.assertRegex(died["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$")

    def test_text_has_one_line_an_event(self):
        stack = self.stack(PAIR)
        stack.up("web")
        lines = stack("events", "--since", "1h", "--until", "0s", check=0).out.splitlines()
        self.assertEqual(2, len(lines))
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} container start [0-9a-f]{64} "
                                   rf"\(image=busybox:1, name={stack.name}-web-1, tier=front\)$")

    def test_a_follower_hears_what_happens_and_ends_with_ctrl_c(self):
        stack = self.stack(PAIR)
        stack.up("web")
        with subprocess.Popen([BERTH, "events", "--json"], cwd=stack.folder, env=self.berth.environment, stdout=subprocess.PIPE,
                              text=True) as follower:
            wait_until("it watches", lambda: self.watches(follower.pid))
            stack("stop", "-t", "0", check=0)
            actions = []
            for line in follower.stdout:
                actions.append(json.loads(line)["action"])
                if actions[-1] == "stop":
                    break
            self.assertNotIn("create", actions)
            self.assertEqual(["die", "stop"], actions[-2:])
            follower.send_signal(signal.SIGINT)
            self.assertEqual(130, follower.wait(10))

    def test_health_and_oom_are_told(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                stop_grace_period: 0s
                healthcheck: {test: [CMD, "true"], interval: 1s}
              big:
                image: busybox:1
                command: ["sh", "-c", "x=a; while :; do x=$$x$$x; done"]
                mem_limit: 16m
            """)
        stack.up()
        wait_until("it is healthy", lambda: "health_status: healthy" in self.actions(stack, "web"))
        wait_until("it has used up its memory", lambda: "die" in self.actions(stack, "big"))
        self.assertEqual(["create", "start", "oom", "die"], self.actions(stack, "big"))

    def test_a_child_that_uses_up_the_memory_is_told_while_its_container_runs_on(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: ["sh", "-c", "sh -c 'x=a; while :; do x=$$x$$x; done'; exec sleep 100000"]
                mem_limit: 16m
                stop_grace_period: 0s
            """)
        stack.up()
        wait_until("that is told", lambda: "oom" in self.actions(stack, "web"))
        self.assertEqual(["create", "start", "oom"], self.actions(stack, "web"))
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_nothing_is_lost_or_told_twice_when_the_supervisor_is_killed(self):
        stack = self.stack(PAIR)
        stack.up("web")
        pid = stack.pid("web")
        self.berth.kill_helpers("berth-supervisor")
        wait_until("there is another", lambda: self.berth.helpers("berth-supervisor"))
        subprocess.run(["kill", "-9", str(pid)], check=True)
        wait_until("its end is told", lambda: "die" in self.actions(stack, "web"))
        self.assertEqual(["create", "start", "die"], self.actions(stack, "web"))

    def test_a_time_that_is_none_is_refused(self):
        stack = self.stack(PAIR)
        refused = stack("events", "--since", "yesterday", check=1)
        self.assertIn('--since: "yesterday" is no time', refused.err)
