"""pre_start: containers that prepare a service before its first start."""

import os

import host
from harness import Case

SLEEPER = 'command: [sh, -c, "trap \'exit 0\' TERM; while :; do sleep 0.02; done"]'


class PreStart(Case):
    def prepared(self, hooks, more="", service=""):
        stack = self.stack(f"""
            services:
              web:
                image: busybox:1
                {SLEEPER}
                environment: {{BERTH_TEST_MARK: %MARK%-web, A: of the service}}
                volumes: ["./out:/out", "data:/data", "/anonymous"]
                {service}
                pre_start: [{hooks}]
              {more}
            volumes: {{data: }}
            """)
        os.makedirs(os.path.join(stack.folder, "out"))
        os.chmod(os.path.join(stack.folder, "out"), 0o777)
        return stack

    def lines(self, stack, name="done"):
        return host.read(os.path.join(stack.folder, "out", name)).splitlines()

    def hook(self, script, more=""):
        return f'{{command: [sh, -c, "{script}"]{more}}}'

    def test_they_run_in_their_order_with_the_mounts_and_networks_of_their_service(self):
        first = self.hook("sleep 0.1; echo one >/data/file; touch /anonymous/file; echo $$A $$B $$(id -g) $$PWD >>/out/done",
                          ', user: "0:7", working_dir: /tmp, environment: {B: own}')
        second = self.hook("cat /data/file >>/out/done; wget -q -O - http://db:8080/ >>/out/done", ", image: busybox:1")
        stack = self.prepared(
            f"{first}, {second}",
            more="""db:
                image: busybox:1
                command: [sh, -c, "mkdir /www; echo served >/www/index.html; exec httpd -f -p 8080 -h /www"]
                healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/"], interval: 50ms}""",
            service="depends_on: {db: {condition: service_healthy}}")
        stack.up()
        self.assertEqual(["of the service own 7 /tmp", "one", "served"], self.lines(stack))
        self.assertEqual("", stack("exec", "web", "ls", "/anonymous/file", check=0).err)
        names = stack("ps", "-a", "--format", "{{.Name}}").out
        self.assertNotIn("pre_start", names, "who has done its work is gone")
        stack("up", "-d", check=0)
        stack("up", "-d", "--scale", "web=2", check=0)
        stack("restart", check=0)
        self.assertEqual(3, len(self.lines(stack)), "once for the service")
        stack("up", "-d", "--force-recreate", check=0)
        self.assertEqual(6, len(self.lines(stack)))

    def test_what_they_print_is_seen(self):
        stack = self.prepared(self.hook("echo migrating; echo with a warning >&2"))
        outcome = stack("up", "-d", check=0)
        self.assertRegex(outcome.err, r"(?m)^web-pre_start-0 -> \| migrating$")
        self.assertRegex(outcome.err, r"(?m)^web-pre_start-0 -> \| with a warning$")

    def test_one_that_fails_keeps_its_service_and_who_depends_on_it_from_starting(self):
        before = host.snapshot()
        stack = self.prepared(f"{self.hook('echo no schema; exit 3')}, {self.hook('touch /out/second')}",
                              more='app: {image: busybox:1, command: [touch, /out/app], volumes: ["./out:/out"], depends_on: [web]}')
        outcome = stack("up", "-d", check=1)
        self.assertIn("web-pre_start-0", outcome.err)
        self.assertIn("no schema", outcome.err)
        self.assertIn("web-pre_start-0 exited (3)", outcome.err)
        self.assertEqual([], os.listdir(os.path.join(stack.folder, "out")))
        self.assertEqual([], stack("ps", "-a", "-q").out.split())
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_create_makes_their_containers_and_start_runs_them(self):
        stack = self.prepared(self.hook("echo ran >>/out/done; test -e /out/may"))
        stack("create", check=0)
        self.assertFalse(os.path.exists(os.path.join(stack.folder, "out", "done")))
        outcome = stack("start", check=1)
        self.assertIn("web-pre_start-0", outcome.err)
        self.assertEqual(["ran"], self.lines(stack))
        outcome = stack("start", check=1)
        self.assertIn("the pre_start hooks of service \"web\" have not all succeeded", outcome.err)
        self.assertEqual(["ran"], self.lines(stack))
        with open(os.path.join(stack.folder, "out", "may"), "w", encoding="utf-8"):
            pass
        stack.up()
        self.assertEqual(["ran"] * 2, self.lines(stack))
        self.assertEqual("running", stack.ps()["web"]["State"])

    def test_down_takes_what_create_made(self):
        before = host.snapshot()
        stack = self.prepared(self.hook("true"))
        stack("create", check=0)
        stack("down", "-v", check=0)
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def test_changing_one_makes_the_service_anew(self):
        stack = self.prepared(self.hook("echo first >>/out/done"))
        stack.up()
        stack.write(host.read(os.path.join(stack.folder, "compose.yaml")).replace("echo first", "echo second"))
        self.assertIn("pre_start", stack("plan", check=2).out)
        stack.up()
        self.assertEqual(["first", "second"], self.lines(stack))

    def test_one_for_each_replica_is_refused_by_name(self):
        stack = self.prepared(self.hook("true", ", per_replica: true"))
        outcome = stack("up", "-d", check=1)
        self.assertRegex(outcome.err, r"compose.yaml:\d+:\d+: error: .*per_replica: true is not supported")
