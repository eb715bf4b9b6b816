"""The supervisor, alone and with its keeper, dies in the middle of an update (deploy.update_config), and the update goes on."""

import json

from crash_points import VICTIMS, Sweeps, strike
from harness import Stack

STACK = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "mkdir /w; echo %ROUND% > /w/index.html; httpd -p 80 -h /w; FIRST; touch /ok; exec sleep 100000"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        healthcheck: {test: [CMD, test, -e, /ok], interval: 1s}
        PORTS
        deploy:
          replicas: 2
          update_config: {order: ORDER, failure_action: pause}
    """
ORDERS = {"start-first": "start-first", "stop-first": "stop-first", "with-port": "start-first"}


class UpdateIsCut(Sweeps):
    def containers(self, stack):
        rows = stack("ps", "-a", "--no-trunc", "--format", "json", check=0).json()
        return {row["Name"]: (row["ID"], row["State"], row["Health"]) for row in rows}

    def write(self, stack, order, number, first="true"):
        text = STACK.replace("ORDER", ORDERS[order]).replace("%ROUND%", str(number)).replace("FIRST", first)
        stack.write(text.replace("PORTS", 'ports: ["18963-18964:80"]' if order == "with-port" else ""))

    def begun(self, order):
        stack = Stack(self.berth, "", "update")
        self.write(stack, order, 1)
        stack.up("--wait")
        return stack, self.containers(stack)

    def once(self, which, step, victim, order, outcome):
        stack, before = self.begun(order)
        self.write(stack, order, 2, "true" if outcome == "good" else "exit 3")
        struck = strike(self.berth, VICTIMS[victim], which, step, "up", "-d", cwd=stack.folder)
        after = self.containers(stack)
        if outcome == "good":  # the command asks again, and the update goes on
            self.assertEqual(0, struck.code, struck.text)
            self.assertEqual(set(before), set(after))
            self.assertEqual({("running", "healthy")}, {state for _, *state in after.values() for state in [tuple(state)]})
            for index in "1", "2":
                page = stack("exec", "-T", "--index", index, "web", "wget", "-qO-", "http://127.0.0.1/", check=0).out
                self.assertEqual("2", page.strip())
            if order == "with-port":
                ports = [row["Publishers"] for row in stack("ps", "--format", "json", check=0).json()]
                self.assertEqual({18963, 18964}, {port["PublishedPort"] for publishers in ports for port in publishers}, json.dumps(ports))
        else:  # none that is not ready takes the place of one that is
            self.assertEqual(1, struck.code, struck.text)
            self.assertEqual(before, after, struck.text)
        self.assertEqual(0 if outcome == "good" else 2, stack("plan").code)
        stack("down", "-t", "0", check=0)
        return struck


def each(case):
    for order in ORDERS:
        for outcome in ("good", "bad"):
            for victim in ("supervisor", "both"):
                setattr(case, f"test_{order.replace('-', '_')}_{outcome}_{victim}",
                        lambda self, order=order, outcome=outcome, victim=victim: self.sweep_or_sample(3, victim, order, outcome))
    return case


each(UpdateIsCut)
