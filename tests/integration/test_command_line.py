"""What stands before the command: global flags, variables, the name berth is called by; and what is about the whole machine."""

import json
import os
import subprocess

from harness import BERTH, Case, wait_until

APP = """
    services:
      web:
        image: busybox:1
        command: [sh, -c, "echo hello; exec sleep 1000"]
        stop_grace_period: 0s
    networks: {unused: }
    volumes: {spare: }
    """


class CommandLine(Case):
    def with_variables(self, **variables):
        before = dict(self.berth.environment)
        self.addCleanup(lambda: setattr(self.berth, "environment", before))
        self.berth.environment = {**before, **variables}

    def test_compatibility_gives_names_with_underscores(self):
        stack = self.stack(APP)
        stack("--compatibility", "up", "-d", check=0)
        self.assertEqual(stack.name + "_web_1", stack.ps()["web"]["Name"])
        self.assertIn("web_1  | hello", wait_until("it has spoken", lambda: stack("logs").out))
        run = stack("--compatibility", "run", "-d", "web", "true", check=0).out.strip()
        name = self.berth("container", "inspect", "-f", "{{.Name}}", run, check=0).out
        self.assertRegex(name, f"^/{stack.name}_web_run_[0-9a-f]{{12}}$")
        self.berth("container", "rm", "-f", run, check=0)
        self.with_variables(COMPOSE_COMPATIBILITY="1")
        self.assertIn("No changes", stack("up", "--dry-run", check=0).out)

    def test_all_resources_are_made_where_asked_for(self):
        stack = self.stack(APP)
        stack.up()
        self.assertNotIn("unused", self.berth("network", "ls", check=0).out)
        stack("--all-resources", "up", "-d", check=0)
        self.assertIn(stack.name + "_unused", self.berth("network", "ls", check=0).out)
        self.assertIn(stack.name + "_spare", self.berth("volume", "ls", check=0).out)

    def test_deprecated_flags_work_and_are_told_of_once(self):
        stack = self.stack(APP)
        done = self.berth("--workdir", stack.folder, "--no-ansi", "--verbose", "--insecure-registry", "config", "--services",
                          check=0)
        self.assertEqual("web\n", done.out)
        for flag in ("--workdir", "--no-ansi", "--insecure-registry"):
            self.assertEqual(1, done.err.count(flag), done.err)
        self.assertIn("--progress is a global flag", stack("build", "--progress", "plain", check=0).err)
        self.assertIn("cannot combine", stack("--workdir", "/", "--project-directory", "/", "ps", check=1).err)

    def test_deprecated_flags_are_told_of_once_where_a_helper_goes_on(self):
        saved = self.berth("--no-ansi", "--insecure-registry", "save", "-o", self.berth.home + "/saved.tar", "busybox:1", check=0)
        for flag in ("--no-ansi", "--insecure-registry"):
            self.assertEqual(1, saved.err.count(flag), saved.err)

    def test_progress_goes_to_stdout_where_a_variable_says_so(self):
        stack = self.stack('services: {web: {build: {dockerfile_inline: "FROM busybox:1\\nRUN true"}, command: [sleep, "1000"], '
                           'init: true, network_mode: none}}')
        self.with_variables(COMPOSE_STATUS_STDOUT="1")
        up = stack("up", "-d", check=0)
        self.assert_in_order(up.out, "RUN true", "built ", f"Container {stack.name}-web-1  Started")
        self.assertEqual("", up.err)
        down = stack("--progress", "json", "down", "-t", "0", "--rmi", "local", check=0)
        self.assertEqual("", down.err)
        self.assertIn(f'"id":"Container {stack.name}-web-1"', down.out)
        self.assertIn(f"Image {stack.name}-web  Removed", down.out)
        self.assertIn("no such service: nobody", stack("up", "-d", "nobody", check=1).err, "errors stay where they are")

    def test_variables_stand_in_for_flags(self):
        stack = self.stack(APP)
        self.with_variables(COMPOSE_PROGRESS="quiet")
        self.assertEqual("", stack("up", "-d", check=0).err)
        self.with_variables(COMPOSE_PROGRESS="loud")
        self.assertIn('COMPOSE_PROGRESS: unsupported value "loud"', stack("ps", check=1).err)
        self.with_variables(COMPOSE_PROGRESS="", COMPOSE_ANSI="always")
        self.assertIn("\x1b[", stack("exec", "nobody", "true", check=1).err)
        self.with_variables(COMPOSE_ANSI="", COMPOSE_PARALLEL_LIMIT="many")
        self.assertIn("COMPOSE_PARALLEL_LIMIT must be an integer", stack("ps", check=1).err)

    def test_orphans_are_told_of_removed_or_ignored(self):
        stack = self.stack(APP)
        stack.up()
        with open(stack.folder + "/other.yaml", "w", encoding="utf-8") as file:
            file.write("services: {other: {image: busybox:1, command: [sleep, '1000'], stop_grace_period: 0s}}\n")
        other = ["-p", stack.name, "-f", "other.yaml"]
        self.assertIn("Found orphan containers", stack(*other, "up", "-d", check=0).err)
        self.assertEqual({"other"}, {row["Service"] for row in stack(*other, "ps", "--orphans=false", "--format", "json",
                                                                    check=0).json()})
        self.assertEqual(2, len(stack(*other, "ps", "-q", check=0).out.split()))
        self.with_variables(COMPOSE_IGNORE_ORPHANS="1")
        self.assertNotIn("orphan", stack(*other, "up", "-d", check=0).err)
        self.assertIn("cannot combine", stack(*other, "up", "-d", "--remove-orphans", check=1).err)
        self.with_variables(COMPOSE_IGNORE_ORPHANS="", COMPOSE_REMOVE_ORPHANS="true")
        stack(*other, "up", "-d", check=0)
        self.assertEqual({"other"}, set(stack.ps()))
        stack("kill", "--remove-orphans", check=0)
        self.assertEqual(set(), set(stack.ps()))

    def test_down_removes_images_where_asked_for(self):
        stack = self.stack("services: {web: {build: {dockerfile_inline: 'FROM busybox:1'}, command: [sleep, '9']}, "
                           "named: {image: named:1, build: {dockerfile_inline: \"FROM busybox:1\\nENV A=b\"}}}")
        stack.up("--no-start")

        def images():
            return set(self.berth("image", "ls", "--format", "{{.Repository}}", check=0).out.split())
        self.assertLessEqual({stack.name + "-web", "named"}, images())
        stack("down", "--rmi", "local", check=0)
        self.assertNotIn(stack.name + "-web", images())
        self.assertIn("named", images())
        self.assertIn("named:1", stack("down", "--rmi", "all", "--dry-run", check=0).out)
        stack("down", "--rmi", "all", check=0)
        self.assertNotIn("named", images())
        self.assertIn("busybox", images())

    def test_what_compose_has_and_berth_has_not_is_named(self):
        for command in ("publish", "bridge", "alpha", "manifest"):
            self.assertIn(f"{command} is not supported: ", self.berth(command, "--app", "x", check=1).err)

    def test_ps_takes_templates_and_refuses_other_filters(self):
        stack = self.stack(APP)
        stack.up()
        self.assertEqual(f"{stack.name}-web-1 running\n", stack("ps", "--format", "{{.Name}} {{.State}}", check=0).out)
        table = stack("ps", "--format", "table {{.Service}}\t{{.Image}}", check=0).out
        self.assertRegex(table, r"SERVICE +IMAGE\nweb +busybox:1\n")
        self.assertEqual("", stack("ps", "-q", "--filter", "status=exited", check=0).out)
        self.assertIn("unknown filter", stack("ps", "--filter", "state=x", check=1).err)
        self.assertIn("KEY=VAL", stack("ps", "--filter", "status", check=1).err)


class DockerCompose(Case):
    def setUp(self):
        self.link = os.path.join(self.berth.home, "docker-compose")
        if not os.path.lexists(self.link):
            os.symlink(BERTH, self.link)

    def compose(self, *arguments, cwd=None):
        return subprocess.run([self.link, *arguments], cwd=cwd or self.berth.home, env=self.berth.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)

    def test_under_its_name_berth_tells_its_version(self):
        self.assertRegex(self.compose("version").stdout, r"^Docker Compose version v2\.\d+\.\d+\n$")
        self.assertRegex(self.compose("--version").stdout, r"^Docker Compose version v2\.\d+\.\d+\n$")
        self.assertRegex(self.compose("version", "--short").stdout, r"^2\.\d+\.\d+\n$")
        self.assertRegex(json.loads(self.compose("version", "-f", "json").stdout)["version"], r"^v2\.")
        self.assertNotIn("Docker Compose", self.berth("version", check=0).out)
        self.assertIn("docker-compose", self.compose("--help").stdout)

    def test_stacks_go_up_and_down(self):
        stack = self.stack(APP)
        self.assertEqual(0, self.compose("up", "-d", cwd=stack.folder).returncode)
        self.assertEqual("hello\n", wait_until("it has spoken", lambda: self.compose(
            "logs", "--no-log-prefix", cwd=stack.folder).stdout))
        self.assertEqual(0, self.compose("exec", "-T", "web", "true", cwd=stack.folder).returncode)
        self.assertEqual(0, self.compose("down", cwd=stack.folder).returncode)

    def test_docker_may_call_it_as_its_plugin(self):
        metadata = json.loads(self.compose("docker-cli-plugin-metadata").stdout)
        self.assertEqual(("0.1.0", "Docker Compose"), (metadata["SchemaVersion"], metadata["ShortDescription"]))
        stack = self.stack(APP)
        self.assertEqual("web\n", self.compose("compose", "config", "--services", cwd=stack.folder).stdout)
        self.assertEqual("web\n", stack("compose", "config", "--services", check=0).out)


class Machine(Case):
    def test_info_counts_and_describes(self):
        stack = self.stack(APP)
        stack.up()
        info = self.berth("system", "info", "--format", "json", check=0).json()
        info = info[0] if isinstance(info, list) else info
        self.assertEqual((1, 1, 0, 0, 1), tuple(info[key] for key in (
            "Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images")))
        self.assertEqual(("linux", os.uname().release, os.cpu_count()),
                         tuple(info[key] for key in ("OSType", "KernelVersion", "NCPU")))
        self.assertEqual("overlay2\n", self.berth("info", "-f", "{{.Driver}}", check=0).out)
        self.assertIn(" Containers: 1\n  Running: 1\n", self.berth("system", "info", check=0).out)
        self.assertIn("did you mean", self.berth("info", "-f", "{{.Drive}}", check=1).err)

    def test_events_are_of_all_containers(self):
        stack = self.stack(APP)
        stack.up()
        self.berth("container", "run", "--rm", "--name", "brief", "-l", "a=b", "busybox:1", "true", check=0)
        stack("kill", check=0)

        def events(*flags):
            return self.berth("system", "events", "--since", "1h", "--until", "0s", *flags, check=0).out
        lines = events().split("\n")
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT\S+(?:Z|[+-]\d\d:\d\d) container create [0-9a-f]{64} \(.*image=busybox:1.*\)$")
        of_brief = events("--filter", "container=brief", "--format", "{{.Action}}").split()
        self.assertEqual(["create", "start", "die", "destroy"], of_brief)
        self.assertEqual("", events("--filter", "type=image"))
        self.assertEqual("kill\n", events("--filter", "event=kill", "--filter", "image=busybox:1", "--format", "{{.Status}}"))
        one = json.loads(events("--format", "json", "--filter", "label=a=b").split("\n")[0])
        self.assertEqual(("create", "busybox:1", "container", "local", "b"),
                         (one["status"], one["from"], one["Type"], one["scope"], one["Actor"]["Attributes"]["a"]))
