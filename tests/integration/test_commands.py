"""The everyday commands on a small stack."""

import re

import host
from harness import Case, wait_until
from terminal import Terminal
from harness import BERTH

SHOP = """
    services:
      web:
        image: busybox:1
        command: ["sh", "-c", "echo web says hello; echo web complains >&2; exec httpd -f -p 80 -h /var/www"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        depends_on: [db]
      db:
        image: busybox:1
        command: ["sh", "-c", "echo db is up; trap 'echo db says goodbye; exit 7' TERM; while :; do sleep 0.05; done"]
        environment: {BERTH_TEST_MARK: %MARK%-db}
        volumes: ["data:/data"]
    volumes:
      data:
"""


class Commands(Case):
    def test_up_names_and_labels_everything_as_compose_does(self):
        shop = self.stack(SHOP, "shop")
        shop.up()
        rows = shop.ps()
        self.assertEqual({"web", "db"}, set(rows))
        self.assertEqual("shop-web-1", rows["web"]["Name"])
        self.assertEqual("running", rows["web"]["State"])
        self.assertEqual("shop", rows["web"]["Project"])
        self.assertEqual("busybox:1", rows["web"]["Image"])
        self.assertIn("com.docker.compose.project=shop", rows["web"]["Labels"])
        self.assertIn("com.docker.compose.service=web", rows["web"]["Labels"])
        self.assertIn("com.docker.compose.container-number=1", rows["web"]["Labels"])
        self.assertRegex(rows["web"]["Labels"], r"com\.docker\.compose\.config-hash=[0-9a-f]{64}")

    def test_the_table_of_ps_shows_name_image_service_status(self):
        shop = self.stack(SHOP, "table")
        shop.up()
        header, *rows = shop("ps", check=0).out.splitlines()
        self.assertEqual(["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"], header.split())
        self.assertEqual(2, len(rows))
        self.assertRegex("\n".join(rows), r"table-web-1 +busybox:1 .* web .* Up ")
        self.assertEqual(2, len(shop("ps", "-q", check=0).out.split()))

    def test_a_second_up_changes_nothing(self):
        shop = self.stack(SHOP, "twice")
        shop.up()
        first = shop.pid("web"), shop.pid("db")
        shop.up()
        self.assertEqual(first, (shop.pid("web"), shop.pid("db")))

    def test_a_changed_service_is_made_anew_and_the_others_are_left_alone(self):
        shop = self.stack(SHOP, "changed")
        shop.up()
        web, db = shop.pid("web"), shop.pid("db")
        shop.write(SHOP.replace("web says hello", "web says hi"))
        shop.up()
        self.assertNotEqual(web, shop.pid("web"))
        self.assertEqual(db, shop.pid("db"))

    def test_a_dependent_is_restarted_with_its_dependency_only_if_it_asks_for_it(self):
        compose = """
            x-idle: &idle {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}
            services:
              db: {<<: *idle, environment: {BERTH_TEST_MARK: %MARK%-db, LEVEL: "1"}}
              web:
                <<: *idle
                environment: {BERTH_TEST_MARK: %MARK%-web}
                depends_on: {db: {condition: service_started, restart: true}}
              side: {<<: *idle, environment: {BERTH_TEST_MARK: %MARK%-side}, depends_on: [db]}
            """
        stack = self.stack(compose)
        stack.up()
        names = ("db", "web", "side")
        identities = {name: stack.ps()[name]["ID"] for name in names}

        def changes(*command):
            before = [stack.pid(name) for name in names]
            stack(*command, check=0)
            return {name for name, pid in zip(names, before) if stack.pid(name) != pid}

        self.assertEqual({"db", "web"}, changes("restart", "db"))
        self.assertEqual({"db"}, changes("restart", "--no-deps", "db"))
        self.assertEqual(identities, {name: stack.ps()[name]["ID"] for name in names})
        stack.write(compose.replace('"1"', '"2"'))
        self.assertEqual({"db", "web"}, changes("up", "-d"))
        anew = {name for name in names if stack.ps()[name]["ID"] != identities[name]}
        self.assertEqual({"db"}, anew, "web is restarted, not made anew")
        self.assertEqual(set(), changes("up", "-d"))

    def test_what_no_profile_enables_is_left_alone_and_named(self):
        stack = self.stack("""
            services:
              web: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}
              debug: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s, profiles: [dbg], volumes: ["data:/data"]}
            volumes: {data: {}}
            """, "profiled")
        self.addCleanup(lambda: stack("--profile", "dbg", "down", "-v"))
        stack("--profile", "dbg", "up", "-d", check=0)
        self.assertIn("run on: profiled-debug-1 (--profile dbg)", stack.up().err)
        outcome = stack("down", "-v", "--remove-orphans", check=0)
        self.assertIn('profiled-debug-1 ("debug" is not enabled: --profile dbg)', outcome.err)
        self.assertIn("Network profiled_default Resource is still in use by profiled-debug-1", outcome.err)
        self.assertIn("Volume profiled_data Resource is still in use by profiled-debug-1", outcome.err)
        self.assertEqual({"debug"}, set(stack.ps()))
        outcome = stack("--profile", "dbgg", "down", check=0)
        self.assertIn('no service has the profile "dbgg" (did you mean "dbg"?)', outcome.err)
        stack("--profile", "dbg", "down", "-v", check=0)
        self.assertEqual({}, stack.ps())

    def test_logs_have_both_streams_of_all_services_with_prefixes(self):
        shop = self.stack(SHOP, "logs")
        shop.up()
        wait_until("all has been logged", lambda: "complains" in shop("logs").out and "db is up" in shop("logs").out)
        out = shop("logs", "--no-color", check=0).out
        self.assertRegex(out, r"(?m)^web-1 +\| web says hello$")
        self.assertRegex(out, r"(?m)^web-1 +\| web complains$")
        self.assertRegex(out, r"(?m)^db-1 +\| db is up$")
        only = shop("logs", "--no-color", "--no-log-prefix", "db", check=0).out
        self.assertEqual("db is up\n", only)

    def test_logs_tail_shows_the_last_lines(self):
        stack = self.stack("""
            services:
              count: {image: busybox:1, command: [sh, -c, "seq 1 5000; exec sleep 1000"], stop_grace_period: 0s}
            """)
        stack.up()
        wait_until("5000 is logged", lambda: "5000\n" in stack("logs").out)
        self.assertEqual("4998\n4999\n5000\n", stack("logs", "--no-log-prefix", "--tail", "3", check=0).out)
        whole = stack("logs", "--no-log-prefix", check=0).out.split()
        self.assertEqual([str(n) for n in range(1, 5001)], whole)

    def test_logs_follow_shows_what_comes_and_ends_with_the_container(self):
        stack = self.stack("""
            services:
              slow:
                image: busybox:1
                command: [sh, -c, "echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after"]
            """)
        stack.up()
        with Terminal([BERTH, "logs", "-f"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_for("before")
            stack.let_go("slow")
            terminal.wait_for("after")
            self.assertEqual(0, terminal.wait_exit())

    def test_exec_passes_arguments_streams_and_the_exit_code(self):
        shop = self.stack(SHOP, "execs")
        shop.up()
        self.assertEqual("a b|c", shop.exec("web", "sh", "-c", 'echo "$0|$1"', "a b", "c"))
        self.assertEqual("from stdin", shop.exec("web", "cat", stdin="from stdin"))
        failed = shop("exec", "-T", "web", "sh", "-c", "echo oops >&2; exit 42", check=42)
        self.assertEqual("oops\n", failed.err)
        self.assertEqual("1", shop.sh("web", "kill -0 1 && echo 1"))
        self.assertEqual("nobody x", shop("exec", "-T", "-u", "nobody", "-e", "V=x", "-w", "/tmp", "web", "sh", "-c",
                                          'test $PWD = /tmp && echo $(id -un) $V', check=0).out.strip())

    def test_exec_of_a_missing_command_says_so(self):
        shop = self.stack(SHOP, "execmissing")
        shop.up()
        outcome = shop("exec", "-T", "web", "no-such-program")
        self.assertIn(outcome.code, (126, 127))
        self.assertIn("no-such-program", outcome.err)
        outcome = shop("exec", "-T", "nobody", "true", check=1)
        self.assertIn("nobody", outcome.err)

    def test_exec_with_a_terminal_has_its_size_and_passes_keys(self):
        shop = self.stack(SHOP, "tty")
        shop.up()
        with Terminal([BERTH, "exec", "web", "sh"], shop.folder, self.berth.environment, rows=31, columns=97) as terminal:
            terminal.type("tty; stty size\n")
            terminal.wait_for(r"/dev/(pts/\d+|console)")
            terminal.wait_for("31 97")
            terminal.resize(20, 70)
            terminal.type("sleep 0.2; stty size\n")
            terminal.wait_for("20 70")
            terminal.type("tail -f /dev/null\n")

            def interrupted():
                # Pressed again if it came too early: while the shell still has the terminal, Ctrl-C is for the shell.
                terminal.type("\x03")
                terminal.type("echo still $((40+2))\n")
                try:
                    return terminal.wait_for("still 42", seconds=0.5)
                except AssertionError:
                    return False

            wait_until("Ctrl-C ends the command in front", interrupted)
            terminal.type("exit 5\n")
            self.assertEqual(5, terminal.wait_exit())

    def test_stop_and_start_keep_the_container(self):
        shop = self.stack(SHOP, "again")
        shop.up()
        shop.sh("db", "echo kept > /tmp/file")
        name, identity = shop.ps()["db"]["Name"], shop.ps()["db"]["ID"]
        pid = shop.pid("db")
        shop("stop", "db", check=0)
        self.assertFalse(host.is_alive(pid))
        row = shop.ps()["db"]
        self.assertEqual(("exited", 7), (row["State"], row["ExitCode"]))
        self.assertEqual(["again-web-1"], [row["Name"] for row in shop("ps", "--format", "json", check=0).json()])
        shop("start", "db", check=0)
        row = shop.ps()["db"]
        self.assertEqual((name, identity, "running"), (row["Name"], row["ID"], row["State"]))
        self.assertEqual("kept", shop.sh("db", "cat /tmp/file"))
        self.assertIn("db says goodbye", shop("logs", "db").out)

    def test_down_stops_dependents_first(self):
        stack = self.stack("""
            x-said: &said
              image: busybox:1
              command: [sh, -c, "trap 'echo $$(date +%s%N) $$NAME >> /shared/order; exit' TERM; touch /shared/$$NAME; while :; do sleep 0.02; done"]
              volumes: ["./shared:/shared"]
            services:
              front: {<<: *said, environment: {NAME: front}, depends_on: [back]}
              back: {<<: *said, environment: {NAME: back}}
            """)
        stack.up()
        wait_until("both have set their traps",
                   lambda: set(host.os.listdir(stack.folder + "/shared")) == {"front", "back"})
        stack("down", check=0)
        order = [line.split()[1] for line in host.read(stack.folder + "/shared/order").splitlines()]
        self.assertEqual(["front", "back"], order)

    def test_down_keeps_volumes_and_down_v_removes_them(self):
        shop = self.stack(SHOP, "volumes")
        shop.up()
        shop.sh("db", "echo precious > /data/file")
        shop("down", "-t", "0", check=0)
        self.assertEqual({}, shop.ps())
        shop.up()
        self.assertEqual("precious", shop.sh("db", "cat /data/file"))
        shop("down", "-v", "-t", "0", check=0)
        shop.up()
        self.assertEqual("", shop.sh("db", "ls /data"))

    def test_down_v_leaves_nothing_on_the_host(self):
        before = host.snapshot()
        shop = self.stack(SHOP, "clean")
        shop.up()
        self.assertTrue(host.came(before, host.snapshot()), "the comparison sees a running stack")
        shop("down", "-v", "-t", "0", check=0)
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_down_twice_is_fine(self):
        shop = self.stack(SHOP, "nothing")
        shop("down", check=0)
        shop("down", "-v", check=0)

    def test_config_prints_the_normal_form(self):
        shop = self.stack(SHOP, "normal")
        out = shop("config", check=0).out
        self.assertRegex(out, r"(?m)^name: normal$")
        self.assertRegex(out, r"(?m)^ +name: normal_data$")
        self.assertRegex(out, r"(?m)^ +name: normal_default$")
        document = shop("config", "--format", "json", check=0).json()
        self.assertEqual("busybox:1", document["services"]["web"]["image"] if isinstance(document, dict)
                         else document[0]["services"]["web"]["image"])
        self.assertEqual(["db", "web"], sorted(shop("config", "--services", check=0).out.split()))

    def test_a_mistake_in_the_file_is_shown_with_its_place(self):
        stack = self.stack("services:\n  web:\n    image: busybox:1\n    depends_on: [databse]\n  database: {image: busybox:1}\n")
        outcome = stack("up", "-d")
        self.assertNotEqual(0, outcome.code)
        self.assertRegex(outcome.err, r"compose\.yaml:4:\d+")
        self.assertIn('"database"', outcome.err)
        self.assertFalse(self.berth.helpers("berth-supervisor") and stack.ps())

    def test_wait_returns_when_healthy(self):
        stack = self.stack("""
            services:
              late:
                image: busybox:1
                command: [sh, -c, "sleep 0.4; touch /ready; exec sleep 1000"]
                stop_grace_period: 0s
                healthcheck: {test: [CMD, test, -e, /ready], interval: 0.1s, retries: 50}
              after:
                image: busybox:1
                command: [sleep, "1000"]
                stop_grace_period: 0s
                depends_on: {late: {condition: service_healthy}}
            """)
        stack.up("--wait")
        rows = stack.ps()
        self.assertEqual(("running", "healthy"), (rows["late"]["State"], rows["late"]["Health"]))
        self.assertEqual("running", rows["after"]["State"])

    def test_a_finished_job_lets_its_dependents_start(self):
        stack = self.stack("""
            services:
              job: {image: busybox:1, command: [sh, -c, "echo done > /shared/result"], volumes: ["shared:/shared"]}
              after:
                image: busybox:1
                command: [sh, -c, "cat /shared/result; exec sleep 1000"]
                stop_grace_period: 0s
                volumes: ["shared:/shared"]
                depends_on: {job: {condition: service_completed_successfully}}
            volumes: {shared: }
            """)
        stack.up()
        self.assertEqual(("exited", 0), (stack.ps()["job"]["State"], stack.ps()["job"]["ExitCode"]))
        wait_until("the result was read", lambda: re.search(r"\| done", stack("logs", "--no-color", "after").out))
