"""Flags of the commands on stacks, each by what it changes: of plan, create, up, run, config, and of those that ask."""

import os

from harness import BERTH, Case, wait_until
from terminal import Terminal

SHOP = """
    services:
      web:
        image: busybox:1
        command: [sleep, "1000"]
        stop_signal: KILL
        environment: {BERTH_TEST_MARK: %MARK%-web, LEVEL: info}
        volumes: [/anonymous]
        depends_on: [db]
        networks: {default: {aliases: [www]}}
      db:
        image: busybox:1
        command: [sleep, "1000"]
        stop_signal: KILL
        environment: {BERTH_TEST_MARK: %MARK%-db}
    """
BUILT = """
    services:
      app:
        image: stackflags:1
        build: {context: ., dockerfile_inline: "FROM busybox:1\\nRUN echo loudly built > /made"}
        command: [cat, /made]
    """


class Planned(Case):
    def plan(self, stack, *flags):
        planned = stack("plan", *flags)
        self.assertIn(planned.code, (0, 2), planned)
        return planned.out

    def test_a_plan_takes_what_up_takes(self):
        stack = self.stack(SHOP)
        self.assertNotIn("db", self.plan(stack, "--no-deps", "web").replace("default", ""))
        self.assertNotIn("start container", self.plan(stack, "--no-start"))
        stack.up()
        self.assertEqual("No changes\n", self.plan(stack))
        self.assertIn("recreate container", self.plan(stack, "--force-recreate"))
        self.assertIn("-db-1", self.plan(stack, "--force-recreate", "--always-recreate-deps", "web"))
        self.assertNotIn("-db-1", self.plan(stack, "--force-recreate", "web"))
        self.assertIn("create container", self.plan(stack, "--scale", "web=2"))
        self.assertIn("recreate container", self.plan(stack, "--renew-anon-volumes"))
        stack.write(SHOP.replace("LEVEL: info", "LEVEL: debug"))
        self.assertIn("recreate container", self.plan(stack))
        self.assertEqual("No changes\n", self.plan(stack, "--no-recreate"))
        stack.write(SHOP.replace("        depends_on: [db]\n", "").split("      db:")[0])
        self.assertNotIn("-db-1", self.plan(stack))
        self.assertIn("-db-1", self.plan(stack, "--remove-orphans"))
        stack.write(SHOP)

    def test_a_plan_knows_how_images_would_come(self):
        stack = self.stack(BUILT)
        refused = stack("plan", "--build", "--no-build")
        self.assertEqual(1, refused.code)
        self.assertIn("--build and --no-build are incompatible", refused.err)
        self.assertIn("--pull", stack("plan", "--pull", "sometimes", check=1).err)
        self.assertIn("--timeout", stack("plan", "--timeout", "soon", check=1).err)


class Created(Case):
    def ids(self, stack):
        return {row["Service"]: row["ID"] for row in stack.ps().values()}

    def test_create_changes_only_what_it_is_to_change(self):
        stack = self.stack(SHOP)
        stack("create", check=0)
        first = self.ids(stack)
        stack.write(SHOP.replace("LEVEL: info", "LEVEL: debug"))
        stack("create", "--no-recreate", check=0)
        self.assertEqual(first, self.ids(stack))
        stack.write(SHOP.replace("        depends_on: [db]\n", "").split("      db:")[0])
        stack("create", check=0)
        self.assertIn("db", self.ids(stack))
        stack("create", "--remove-orphans", check=0)
        self.assertNotIn("db", self.ids(stack))

    def test_create_asks_before_a_volume_is_made_anew(self):
        text = """
            services: {web: {image: busybox:1, command: [sleep, "1000"], stop_signal: KILL, volumes: [data:/data]}}
            volumes: {data: {labels: {a: "%s"}}}
            """
        stack = self.stack(text % "1")
        label = lambda: self.berth("volume", "inspect", "-f", "{{.Labels.a}}", stack.name + "_data", check=0).out.strip()
        stack("create", check=0)
        stack.write(text % "2")
        self.assertIn("data will be lost", stack("create").err)
        self.assertEqual("1", label())
        self.assertNotIn("data will be lost", stack("create", "--yes", check=0).err)
        self.assertEqual("2", label())

    def test_create_and_run_build_what_they_are_to_build(self):
        for command in (["create"], ["run", "--rm", "-T"]):
            with self.subTest(command=command[0]):
                stack = self.stack(BUILT, command[0])
                words = [] if command[0] == "create" else ["app"]
                missing = stack(*command, "--no-build", *words)
                self.assertEqual(1, missing.code, missing)
                self.assertIn("stackflags:1", missing.err)
                self.assertNotIn("echo loudly", stack(*command, "--quiet-build", *words, check=0).err)
                stack.write(BUILT.replace("loudly", "again"))
                stack(*command, *words, check=0)
                stack(*command, "--build", *words, check=0)
                self.assertEqual("again built\n", self.berth("container", "run", "--rm", "stackflags:1", "cat", "/made", check=0).out)
                stack("down", check=0)
                self.berth("image", "rm", "-f", "stackflags:1", check=0)

    def test_create_run_and_scale_pull_as_they_are_told(self):
        stack = self.stack("services: {web: {image: 'localhost:1/absent:1'}}")
        for command in (["create", "--pull", "never"], ["run", "--pull", "never", "web"]):
            self.assertIn("localhost:1/absent:1", (refused := stack(*command, check=1)).err)
            self.assertNotIn("Pulling", refused.err)
        for command in (["create"], ["run", "-T"]):
            words = [] if command == ["create"] else ["web"]
            self.assertIn("Pulling", stack(*command, *words, check=1).err)
            self.assertNotIn("Pulling", stack(*command, "--quiet-pull", *words, check=1).err)

    def test_scale_leaves_dependencies_alone(self):
        stack = self.stack(SHOP)
        stack("scale", "--no-deps", "web=1", check=0)
        self.assertEqual(["web"], sorted(stack.ps()))
        stack("scale", "web=1", check=0)
        self.assertEqual(["db", "web"], sorted(stack.ps()))

    def test_up_leaves_dependencies_alone(self):
        stack = self.stack(SHOP)
        stack("up", "-d", "--no-deps", "web", check=0)
        self.assertEqual(["web"], sorted(stack.ps()))


class OneOff(Case):
    def test_run_gives_capabilities_and_takes_them(self):
        stack = self.stack(SHOP)
        caps = lambda *flags: int(stack("run", "--rm", "-T", "--no-deps", *flags, "web", "sh", "-c", "grep CapEff /proc/self/status",
                                        check=0).out.split()[1], 16)
        net_admin, kill = 1 << 12, 1 << 5
        self.assertEqual(0, caps() & net_admin)
        self.assertTrue(caps("--cap-add", "NET_ADMIN") & net_admin)
        self.assertTrue(caps() & kill)
        self.assertEqual(0, caps("--cap-drop", "KILL") & kill)

    def test_run_is_found_under_aliases_only_if_asked(self):
        stack = self.stack(SHOP)
        lookup = ["run", "--rm", "-T", "--no-deps"]
        self.assertNotEqual(0, stack(*lookup, "web", "nslookup", "www").code)
        self.assertEqual(0, stack(*lookup, "--use-aliases", "web", "nslookup", "www").code)

    def test_run_removes_orphans_if_asked(self):
        stack = self.stack(SHOP)
        stack.up()
        stack.write(SHOP.replace("        depends_on: [db]\n", "").split("      db:")[0])
        stack("run", "--rm", "-T", "web", "true", check=0)
        self.assertIn("db", stack.ps())
        stack("run", "--rm", "-T", "--remove-orphans", "web", "true", check=0)
        self.assertNotIn("db", stack.ps())

    def test_run_and_exec_without_input_read_nothing(self):
        stack = self.stack(SHOP)
        stack.up()
        for command in (["run", "--rm", "-T", "--no-deps"], ["exec", "-T"]):
            self.assertEqual("words", stack(*command, "web", "cat", stdin="words", check=0).out)
            self.assertEqual("words", stack(*command, "--interactive=true", "web", "cat", stdin="words", check=0).out)
            self.assertEqual("", stack(*command, "--no-interactive", "web", "cat", stdin="words", check=0).out)
            self.assertEqual("", stack(*command, "--interactive=false", "web", "cat", stdin="words", check=0).out)

    def test_flags_for_terminals_that_others_write_are_taken(self):
        stack = self.stack(SHOP)
        stack.up()
        for flag in ("-t", "--tty"):
            self.assertEqual("x\n", stack("run", "--rm", "-T", "--no-deps", flag, "web", "echo", "x", check=0).out)
        with Terminal([BERTH, "exec", "-T", "-t", "web", "sh", "-c", "test -t 0 && echo terminal"], stack.folder, self.berth.environment) as run:
            run.wait_exit()


class Listed(Case):
    def test_services_and_statuses_choose(self):
        stack = self.stack(SHOP)
        stack.up()
        stack("stop", "web", check=0)
        self.assertEqual("db\n", stack("ps", "--services", check=0).out)
        self.assertEqual("web\n", stack("ps", "--status", "exited", "--format", "{{.Service}}", check=0).out)

    def test_index_chooses_a_replica(self):
        stack = self.stack("""
            services:
              web: {image: busybox:1, command: [sh, -c, "hostname; read line; echo got $$line"], stdin_open: true, stop_signal: KILL,
                    scale: 2, ports: ["80"]}
            """)
        stack.up()
        row = lambda number: next(row for row in stack("ps", "--format", "json", check=0).json() if row["Name"].endswith(f"-{number}"))
        for number in (1, 2):
            port = row(number)["Publishers"][0]["PublishedPort"]
            self.assertEqual(f"0.0.0.0:{port}\n", stack("port", "--index", str(number), "web", "80", check=0).out)
        stack("attach", "--index", "2", "web", stdin="to the second\n")
        shown = wait_until("it has answered", lambda: "got" in (logs := stack("logs", "--no-color", check=0).out) and logs)
        self.assertIn("web-2  | got to the second", shown)

    def test_rm_takes_anonymous_volumes_along(self):
        stack = self.stack(SHOP)
        stack.up()
        volumes = lambda: self.berth("volume", "ls", "-q", check=0).out.split()
        self.assertEqual(1, len(volumes()))
        stack("rm", "-f", "-s", "web", check=0)
        self.assertEqual(1, len(volumes()))
        stack.up()
        self.assertEqual(2, len(volumes()))
        stack("rm", "-f", "-s", "-v", "web", check=0)
        self.assertEqual(1, len(volumes()))
        self.berth("volume", "prune", "-f", check=0)

    def test_before_the_command(self):
        stack = self.stack("services: {web: {image: '${IMAGE:-none}'}}")
        with open(os.path.join(stack.folder, "other.env"), "w", encoding="utf-8") as file:
            file.write("IMAGE=busybox:1\n")
        self.assertEqual("busybox:1\n", stack("--env-file", "other.env", "config", "--images", check=0).out)
        self.assertIn("--parallel", stack("--parallel", "many", "ps", check=1).err)

    def test_how_up_shows_output(self):
        stack = self.stack("services: {web: {image: busybox:1, command: [echo, words]}}")
        with Terminal([BERTH, "up"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_exit()
            self.assertRegex(terminal.text, "web-1 .*\x1b\\[.*words")
        with Terminal([BERTH, "up", "--no-color"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_exit()
            self.assertRegex(terminal.text, "web-1  \\| words")
        self.assertRegex(stack("up", check=0).out, "web-1  \\| words")
        self.assertRegex(stack("up", "--no-log-prefix", check=0).out, "(?m)^words")
        self.assertRegex(stack("up", "--timestamps", check=0).out, r"web-1  \| \d{4}-\d\d-\d\dT.*Z words")


class Configuration(Case):
    def test_what_config_leaves_as_it_was_written(self):
        stack = self.stack("""
            services:
              web: {image: busybox:1, env_file: [web.env], volumes: ["./data:/data"], depends_on: [db]}
              db: {image: busybox:1}
            """)
        with open(os.path.join(stack.folder, "web.env"), "w", encoding="utf-8") as file:
            file.write("FROM_FILE=yes\n")
        full = stack("config", check=0).out
        self.assertIn(stack.folder + "/data", full)
        self.assertNotIn(stack.folder + "/data", stack("config", "--no-path-resolution", check=0).out)
        self.assertIn("FROM_FILE", full)
        self.assertNotIn("FROM_FILE", stack("config", "--no-env-resolution", check=0).out)
        self.assertIn("\n  default:", full)
        self.assertNotIn("\n  default:", stack("config", "--no-normalize", check=0).out)
        stack.write("services: {web: {image: busybox:1, depends_on: [nobody]}}")
        stack("config", check=1)
        self.assertIn("nobody", stack("config", "--no-consistency", check=0).out)
