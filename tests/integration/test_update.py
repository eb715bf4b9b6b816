"""deploy.update_config: running containers are replaced group by group, and nobody who asks is turned away meanwhile."""

import json
import subprocess

from harness import BERTH, Case, needs_nftables, wait_until

WEB = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "mkdir /w; echo VERSION > /w/index.html; exec httpd -f -p 80 -h /w"]
        stop_grace_period: 0s
        healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1/"], interval: 1s, retries: 2}
        ports: ["127.0.0.1:18472:80", "18473:80"]
        deploy:
          update_config: {order: start-first}
      client:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
"""
GROUPS = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "FIRST; touch /ok; exec sleep 100000"]
        stop_grace_period: 0s
        healthcheck: {test: [CMD, test, -e, /ok], interval: 1s}
        deploy:
          replicas: 3
          update_config: {UPDATE}
"""


def own_address():
    """One of the host's own that is not loopback, so that the firewall's rules lead to the container."""
    links = json.loads(subprocess.run(["ip", "-j", "-4", "addr", "show", "scope", "global"], stdout=subprocess.PIPE, check=True).stdout)
    return next(a["local"] for link in links if not link["ifname"].startswith("br-") for a in link["addr_info"])


class Update(Case):
    def rows(self, stack):
        return sorted(stack("ps", "-a", "--no-trunc", "--format", "json", check=0).json(), key=lambda row: row["Name"])

    @needs_nftables
    def test_start_first_turns_nobody_away_neither_by_port_nor_by_name(self):
        stack = self.stack(WEB.replace("VERSION", "one"))
        stack.up("--wait")
        address = own_address()
        ask = "while [ ! -e /over ]; do wget -qO- http://%s/ || echo refused; done"
        for name in ("web", stack.name + "-web-1"):
            stack("exec", "-d", "client", "sh", "-c", "(" + ask % name + ") > /asked-" + name.rsplit("-", 2)[-1] + " 2>&1", check=0)
        script = """
import sys, urllib.request
while True:
    for url in sys.argv[1:]:
        try:
            print(urllib.request.urlopen(url, timeout=5).read().decode().strip(), flush=True)
        except Exception as error:
            print("refused", url, error, flush=True)
"""
        outside = subprocess.Popen(["python3", "-c", script, "http://127.0.0.1:18472/", f"http://{address}:18473/"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            seen = [outside.stdout.readline().strip() for _ in range(20)]
            stack.write(WEB.replace("VERSION", "two"))
            stack.up()
            while seen[-5:] != ["two"] * 5 and "refused" not in seen[-1]:
                seen.append(outside.stdout.readline().strip())
        finally:
            outside.kill()
            outside.communicate()
        self.assertEqual({"one", "two"}, set(seen), [line for line in seen if "refused" in line])
        answered = lambda file: stack.sh("client", f"cat /asked-{file}").split()
        for file in ("web", "1"):
            wait_until("the new one answers", lambda: answered(file)[-1:] == ["two"])
            self.assertEqual({"one", "two"}, set(answered(file)))
        stack.sh("client", "touch /over")
        self.assertEqual([stack.name + "-client-1", stack.name + "-web-1"], [row["Name"] for row in self.rows(stack)])

    def test_both_run_until_the_new_one_is_ready_under_a_temporary_name(self):
        text = WEB.replace("VERSION", "one").replace('ports: ["127.0.0.1:18472:80", "18473:80"]', "volumes: [gate:/gate]").replace(
            'wget, -qO-, "http://127.0.0.1/"', "test, -e, /gate/open") + "\n    volumes: {gate: {}}\n"
        stack = self.stack(text)
        stack.up()
        stack.sh("web", "touch /gate/open")
        wait_until("it is healthy", lambda: stack.ps()["web"]["Health"] == "healthy")
        old = stack.ps()["web"]["ID"]
        stack.sh("web", "rm /gate/open")
        stack.write(text.replace("echo one", "echo two").replace("retries: 2", "retries: 1000"))
        up = subprocess.Popen([BERTH, "up", "-d"], cwd=stack.folder, env=self.berth.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        names = lambda: [row["Name"] for row in self.rows(stack) if row["Service"] == "web" and row["State"] == "running"]
        wait_until("both run", lambda: len(names()) == 2)
        self.assertEqual([old[:12] + "_" + stack.name + "-web-1", stack.name + "-web-1"], sorted(names()))
        stack("exec", "-T", "web", "touch", "/gate/open", check=0)
        self.assertEqual(0, up.wait(60), up.communicate()[0])
        self.assertEqual([stack.name + "-web-1"], names())

    def grouped(self, update):
        stack = self.stack(GROUPS.replace("UPDATE", update).replace("FIRST", "true"))
        stack.up("--wait")
        return stack, self.rows(stack)

    def change(self, stack, update, first):
        stack.write(GROUPS.replace("UPDATE", update).replace("FIRST", first))

    def test_groups_are_shown_by_plan_and_all_containers_are_new_in_the_end(self):
        for update in ("parallelism: 2", "parallelism: 0, order: start-first", "delay: 100ms, monitor: 100ms"):
            stack, before = self.grouped(update)
            self.change(stack, update, "echo new")
            plan = stack("plan")
            self.assertEqual(2, plan.code)
            self.assertIn("update service web: 3 containers", plan.out)
            self.assertIn("    command: ", plan.out)
            stack.up()
            after = self.rows(stack)
            self.assertEqual([row["Name"] for row in before], [row["Name"] for row in after])
            self.assertFalse({row["ID"] for row in before} & {row["ID"] for row in after})
            self.assertEqual(0, stack("plan").code)
            stack("down", "-t", "0", check=0)

    def test_what_a_failure_means(self):
        # The second of the new ones ends at once: they count in a volume that they share.
        fails = "n=$$(cat /n/n 2>/dev/null); echo $${n}x > /n/n; [ \\\"$$n\\\" != x ]"
        for action, new, code in (("pause", 1, 1), ("rollback", 0, 1), ("continue", 2, 1), ("pause, max_failure_ratio: 0.4", 2, 0)):
            for order in ("stop-first", "start-first"):
                with self.subTest(action=action, order=order):
                    update = f"order: {order}, failure_action: {action}"
                    stack, before = self.grouped(update)
                    stack.write((GROUPS.replace("UPDATE", update).replace("FIRST", fails + " || exit 3")
                                 + "\n    volumes: {n: {}}\n").replace("deploy:", "volumes: [n:/n]\n        deploy:"))
                    done = stack("up", "-d")
                    self.assertEqual(code, done.code, done)
                    self.assertIn("exited (3)", done.err)
                    after = self.rows(stack)
                    self.assertEqual([row["Name"] for row in before], [row["Name"] for row in after], done)
                    self.assertEqual({"running"}, {row["State"] for row in after})
                    self.assertEqual(new, len({row["ID"] for row in after} - {row["ID"] for row in before}), done)
                    stack("down", "-v", "-t", "0", check=0)

    def test_a_rollback_has_its_own_order_and_delay(self):
        # Of three that are replaced one by one the last one fails; two are put back.
        fails = "n=$$(cat /n/n 2>/dev/null); echo $${n}x > /n/n; [ \\\"$$n\\\" != xx ]"
        for update, rollback in (("stop-first", "start-first"), ("start-first", "stop-first")):
            with self.subTest(rollback=rollback):
                config = f"order: {update}, failure_action: rollback}}\n          rollback_config: {{order: {rollback}, delay: 700ms"
                stack, before = self.grouped(config)
                old = {row["ID"] for row in before}
                stack.write((GROUPS.replace("UPDATE", config).replace("FIRST", fails + " || exit 3")
                             + "\n    volumes: {n: {}}\n").replace("deploy:", "volumes: [n:/n]\n        deploy:"))
                self.assertEqual(1, stack("up", "-d").code)
                self.assertEqual(old, {row["ID"] for row in self.rows(stack)})
                with open(f"{self.berth.run}/events", encoding="utf-8") as file:
                    events = [event for event in map(json.loads, file) if event["project"] == stack.name]
                # The rollback begins when the third one has failed.
                failed = max(i for i, event in enumerate(events) if event["attributes"].get("exitCode") == "3")
                back = [event for event in events[failed:] if event["action"] in ("start", "die") and event["attributes"].get("exitCode") != "3"]
                which = [(event["action"], "old" if event["id"] in old else "new") for event in back]
                if update == "stop-first":  # the third one's own is started again first
                    self.assertEqual(("start", "old"), which.pop(0))
                    back.pop(0)
                pair = [("start", "old"), ("die", "new")]
                self.assertEqual((pair if rollback == "start-first" else pair[::-1]) * 2, which)
                self.assertGreaterEqual(back[2]["time_ns"] - back[1]["time_ns"], 700_000_000)
                stack("down", "-v", "-t", "0", check=0)

    def test_what_is_not_understood_is_named(self):
        stack = self.stack(GROUPS.replace("UPDATE", "failure_action: rollbak").replace("FIRST", "true"))
        refused = stack("up", "-d")
        self.assertEqual(1, refused.code)
        self.assertIn("compose.yaml:", refused.err)
        self.assertIn('did you mean "rollback"', refused.err)
