"""`up --trace`: where the time of a start went."""

import json
import os

from harness import Case
from test_pull import RegistryCase as PullCase

SHOP = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
        post_start: [{command: ["true"]}]
      migrate: {image: busybox:1, command: ["true"], network_mode: none}
      db:
        image: busybox:1
        command: [sh, -c, "sleep 0.6; touch /ready; exec sleep 100000"]
        stop_grace_period: 0s
        healthcheck: {test: [CMD, test, -e, /ready], interval: 1s}
        volumes: ["data:/data"]
    volumes: {data: {}}
    """


def threads_of(trace):
    """Events by the name of their thread."""
    names = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    threads = {}
    for event in trace["traceEvents"]:
        if event["ph"] != "M":
            threads.setdefault(names[event["tid"]], []).append(event)
    return threads


class Trace(Case):
    def trace(self, stack, *arguments, code=0):
        path = os.path.join(stack.folder, "trace.json")
        outcome = stack("up", "-d", "--trace", path, *arguments, check=code)
        with open(path, encoding="utf-8") as file:
            return json.load(file), outcome.err

    def assert_is_trace(self, trace):
        """What Perfetto's importer asks of it: types, times, names of threads, and events of a thread within each other."""
        ends = {}
        for event in trace["traceEvents"]:
            self.assertIn(event["ph"], ("M", "X", "i"))
            self.assertIsInstance(event["pid"], int)
            self.assertIsInstance(event["tid"], int)
            self.assertIsInstance(event["name"], str)
            if event["ph"] == "M":
                continue
            self.assertIsInstance(event["ts"], int)
            self.assertGreaterEqual(event["ts"], 0)
            end = event["ts"] + event.get("dur", 0)
            if event["ph"] == "X":
                self.assertGreater(event["dur"], 0)
            open_ends = ends.setdefault(event["tid"], [])
            while open_ends and open_ends[-1] <= event["ts"]:
                open_ends.pop()
            self.assertTrue(not open_ends or end <= open_ends[-1], event)
            open_ends.append(end)
        threads_of(trace)  # each has a name

    def test_the_file_has_every_part_and_the_critical_path_names_the_slow_one(self):
        shop = self.stack(SHOP, "tshop")
        trace, told = self.trace(shop, "--wait")
        self.assert_is_trace(trace)
        threads = threads_of(trace)
        self.assertLessEqual({"berth", "critical path", "db-1", "web-1", "migrate-1", "network default", "volume data"}, set(threads))
        names = {name: [event["name"] for event in events] for name, events in threads.items()}
        self.assertLessEqual({"read the project", "reach the supervisor", "plan"}, set(names["berth"]))
        self.assertLessEqual({"create", "start", "mounts", "network", "exec", "probe", "healthy"}, set(names["db-1"]))
        self.assertLessEqual({"create", "start", "exec", "post_start hook 1", "ready"}, set(names["web-1"]))
        self.assertIn("completed", names["migrate-1"])
        self.assertGreater(names["db-1"].count("probe"), 1)
        path = [event["name"] for event in threads["critical path"]]
        self.assertIn("db-1 healthy", path)
        self.assertNotIn("migrate-1 completed", path)
        self.assertEqual(path, [event["name"] for event in sorted(threads["critical path"], key=lambda event: event["ts"])])
        self.assertRegex(told, r"up took .*; db-1 took most of it: healthy after (\d+ ms|\d\.\d+ s), of which (sh|sleep) needed "
                               r"(\d+ ms|\d\.\d+ s) \(\d+ probes, the last took ")
        self.assertRegex(told, r"(?m)^critical path$")

    def test_a_dash_shows_the_waterfall_only(self):
        stack = self.stack("services: {web: {image: busybox:1, command: [sleep, '100000'], stop_grace_period: 0s}}")
        outcome = stack("up", "-d", "--trace", "-", check=0)
        self.assertEqual("", outcome.out)
        self.assertRegex(outcome.err, r"(?m)^web-1 *$")
        self.assertRegex(outcome.err, r"(?m)^  start +[\d.]+ m?s  .*[#█]")
        self.assertFalse(os.path.exists(os.path.join(stack.folder, "-")))

    def test_nothing_is_said_where_nobody_asks(self):
        stack = self.stack("services: {web: {image: busybox:1, command: [sleep, '100000'], stop_grace_period: 0s, network_mode: none}}")
        self.assertNotIn("critical path", stack.up().err)
        path = os.path.join(stack.folder, "t.json")
        quiet = stack("--progress", "quiet", "up", "-d", "--force-recreate", "--trace", path, check=0)
        self.assertEqual("", quiet.err)
        self.assertTrue(os.path.getsize(path))

    def test_a_start_that_fails_is_traced_as_well(self):
        stack = self.stack("""
            services:
              db: {image: busybox:1, command: ["false"]}
              web: {image: busybox:1, command: [sleep, "1000"], depends_on: {db: {condition: service_completed_successfully}}}
            """)
        trace, told = self.trace(stack, code=1)
        self.assert_is_trace(trace)
        failed = [event["name"] for event in threads_of(trace)["db-1"] if event["args"].get("failed")]
        self.assertIn("completed", failed)
        self.assertIn("exited (1)", told)

    def test_a_file_that_cannot_be_written_stops_it_before_anything_starts(self):
        stack = self.stack("services: {web: {image: busybox:1, command: [sleep, '1000'], stop_grace_period: 0s}}")
        outcome = stack("up", "-d", "--trace", "/nowhere/trace.json")
        self.assertEqual(1, outcome.code)
        self.assertIn("/nowhere", outcome.err)
        self.assertEqual({}, stack.ps())
        self.assertIn("--trace", stack("--dry-run", "up", "--trace", "-").err)

    def test_the_steps_of_a_build_are_in_it(self):
        stack = self.stack("services: {web: {build: ., command: [sleep, '100000'], stop_grace_period: 0s}}")
        with open(os.path.join(stack.folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\nCOPY Dockerfile /\n")
        trace, _ = self.trace(stack)
        self.assert_is_trace(trace)
        threads = threads_of(trace)
        self.assertIn("build images", [event["name"] for event in threads["berth"]])
        self.assertTrue([event for event in threads["build"] if "COPY Dockerfile /" in event["name"]], threads["build"])

    def test_the_parts_of_a_rollout_come_one_after_the_other(self):
        compose = """
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                environment: {LEVEL: "1"}
                stop_grace_period: 0s
                scale: 2
                deploy: {update_config: {parallelism: 1}}
            """
        stack = self.stack(compose)
        stack.up()
        stack.write(compose.replace('"1"', '"2"'))
        trace, _ = self.trace(stack)
        self.assert_is_trace(trace)
        path = [event["name"] for event in threads_of(trace)["critical path"]]
        self.assertTrue([name for name in path if name.startswith("web-1 ")], path)
        self.assertTrue([name for name in path if name.startswith("web-2 ")], path)


class TracedPull(PullCase):
    def test_layers_are_downloaded_and_unpacked(self):
        berth = self.fresh()
        folder = os.path.join(berth.home, "stack")
        os.makedirs(folder)
        with open(os.path.join(folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(f"services: {{s: {{image: '{self.app}', command: [sleep, '1000'], network_mode: none, stop_grace_period: 0s}}}}")
        self.addCleanup(lambda: berth("down", "-t", "0", cwd=folder))
        path = os.path.join(folder, "trace.json")
        berth("up", "-d", "--trace", path, cwd=folder, check=0)
        with open(path, encoding="utf-8") as file:
            threads = threads_of(json.load(file))
        events = [event["name"].split()[0] for name, each in threads.items() if name == f"image {self.app}" for event in each]
        self.assertLessEqual({"pull", "download", "unpack"}, set(events), threads)
        self.assertIn("pull images", [event["name"] for event in threads["berth"]])


if __name__ == "__main__":
    import unittest

    unittest.main()
