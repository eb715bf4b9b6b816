"""Several commands at once: one after the other where they must be, side by side where they can."""

import contextlib
import threading

import host
from background import Background
from harness import Case, wait_until

# Ready when the test says so.
GATED = """
    services:
      gate:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-gate}
        stop_grace_period: 0s
        healthcheck: {test: [CMD, test, -e, /go], interval: 0.1s, retries: 10000}
      behind:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-behind}
        stop_grace_period: 0s
        depends_on: {gate: {condition: service_healthy}}
    """


def in_parallel(works):
    """Calls all of them at once; what they returned, in their order. The first that failed is what fails."""
    results, failures = [None] * len(works), []

    def call(index):
        try:
            results[index] = works[index]()
        except BaseException as failed:  # pylint: disable=broad-exception-caught
            failures.append(failed)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


class SameProject(Case):
    @contextlib.contextmanager
    def busy(self):
        """A stack and the `up` that works on it, until somebody opens the gate."""
        stack = self.stack(GATED)
        with Background(stack, "up", "-d") as first:
            stack.pid("gate")
            yield stack, first

    def test_a_second_up_waits_and_says_for_whom(self):
        with self.busy() as (stack, first), Background(stack, "up", "-d") as second:
            second.wait_for(f"waiting: berth up -d (pid {first.pid}) works on project {stack.name}")
            stack.let_go("gate")
            self.assertEqual((0, 0), (first.wait(), second.wait()))
            self.assertEqual({"running"}, {row["State"] for row in stack.ps().values()})

    def test_down_waits_for_up_and_takes_everything_down(self):
        before = host.snapshot()
        with self.busy() as (stack, first), Background(stack, "down", "-v", "-t", "0") as down:
            down.wait_for(f"(pid {first.pid})")
            stack.let_go("gate")
            self.assertEqual((0, 0), (first.wait(), down.wait()))
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_ctrl_c_while_waiting_ends_the_one_that_waits_and_nothing_else(self):
        with self.busy() as (stack, first):
            with Background(stack, "down", "-t", "0") as down:
                down.wait_for("waiting:")
                down.interrupt()
                self.assertEqual(130, down.wait())
            self.assertIsNone(first.process.poll())
            stack.let_go("gate")
            self.assertEqual(0, first.wait())
        self.assertEqual({"running"}, {row["State"] for row in stack.ps().values()})

    def test_one_that_is_killed_while_it_waits_does_nothing_later(self):
        with self.busy() as (stack, first):
            with Background(stack, "down", "-t", "0") as down:
                down.wait_for("waiting:")
            stack.let_go("gate")
            self.assertEqual(0, first.wait())
            stack("start", check=0)  # behind whatever the killed one may still have in the queue
        self.assertEqual({"running"}, {row["State"] for row in stack.ps().values()})

    def test_up_and_build_do_not_wait_for_each_other(self):
        with self.busy() as (stack, first):
            stack.write(GATED + """
      built: {build: {context: ., dockerfile_inline: "FROM busybox:1\\nCOPY compose.yaml /"}}
    """)
            stack("build", check=0)
            self.assertIsNone(first.process.poll())
            stack.let_go("gate")
            self.assertEqual(0, first.wait())

    def test_many_at_once_end_in_what_all_of_them_wanted(self):
        stack = self.stack(GATED.replace("test, -e, /go", "test, -e, /bin"))
        outcomes = in_parallel([lambda: stack("up", "-d", timeout=120)] * 6)
        self.assertEqual([0] * 6, [outcome.code for outcome in outcomes], "\n".join(map(str, outcomes)))
        self.assertEqual({"gate", "behind"}, set(stack.ps()))
        for service in ("gate", "behind"):
            self.assertEqual(1, len(host.first_processes(f"{stack.mark}-{service}")))


class ManyProjects(Case):
    WEB = """
        services:
          web:
            image: busybox:1
            command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
            environment: {BERTH_TEST_MARK: %MARK%-web}
            stop_grace_period: 0s
            ports: ["80"]
            volumes: ["data:/data"]
          client:
            image: busybox:1
            command: ["sh", "-c", "until wget -qO- http://web/ | grep works; do :; done"]
            depends_on: [web]
        volumes: {data: }
        """

    def test_twenty_come_up_and_go_at_once(self):
        before = host.snapshot()
        stacks = [self.stack(self.WEB, f"many{number}") for number in range(20)]
        ups = in_parallel([lambda stack=stack: stack("up", "-d", timeout=120) for stack in stacks])
        self.assertEqual([0] * 20, [up.code for up in ups], "\n".join(str(up) for up in ups if up.code != 0))
        for stack in stacks:
            wait_until("the client has its answer", lambda stack=stack: stack.ps()["client"]["State"] == "exited")
            self.assertEqual(0, stack.ps()["client"]["ExitCode"])
        downs = in_parallel([lambda stack=stack: stack("down", "-v", "-t", "0", timeout=120) for stack in stacks])
        self.assertEqual([0] * 20, [down.code for down in downs], "\n".join(str(down) for down in downs if down.code != 0))
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_only_one_project_gets_a_container_name(self):
        named = """
            services:
              web: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s, container_name: the-one}
            """
        stacks = [self.stack(named, f"named{number}") for number in range(4)]
        ups = in_parallel([lambda stack=stack: stack("up", "-d") for stack in stacks])
        self.assertEqual([0, 1, 1, 1], sorted(up.code for up in ups), "\n".join(map(str, ups)))
        (winner,) = [stack for stack, up in zip(stacks, ups) if up.code == 0]
        for up in ups:
            if up.code != 0:
                self.assertIn("the-one", up.err)
                self.assertIn(f'of project "{winner.name}"', up.err)
        for stack in stacks:
            self.assertEqual(1 if stack is winner else 0, len(stack.ps()))
