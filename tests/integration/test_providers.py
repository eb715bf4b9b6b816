"""Services that a provider runs: a program that is told to bring them up and take them down."""

import json
import os
import signal
import subprocess

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

# Says what the files beside it are told to say: up, down, stop, metadata are scripts.
PROVIDER = """#!/bin/sh
dir=$(dirname "$0")
case $2 in metadata) action=metadata ;; *) action=$3; echo "$*" >> "$dir/calls" ;; esac
[ ! -e "$dir/$action" ] || . "$dir/$action"
"""

SHOP = """
    services:
      app:
        image: busybox:1
        command: [sleep, "100000"]
        init: true
        environment: {BERTH_TEST_MARK: %MARK%-app, SECRET: mine}
        depends_on: [database]
      database:
        provider:
          type: awesomecloud
          options: {type: mysql, size: 256, tags: [a, b]}
    """

METADATA = {
    "description": "of a test",
    "up": {"parameters": [{"name": "type", "required": True}, {"name": "size"}]},
    "down": {"parameters": [{"name": "type"}]},
    "stop": {"parameters": []},
}


def say(kind, message):
    return f"printf '%s\\n' '{json.dumps({'type': kind, 'message': message})}'\n"


class Providers(Case):
    def setUp(self):
        self.folder = os.path.join(self.berth.home, "bin-" + self._testMethodName[-40:])
        os.makedirs(self.folder)
        self.install("awesomecloud")
        self.path = self.berth.environment["PATH"]
        self.berth.environment["PATH"] = self.folder + ":" + self.path
        self.addCleanup(lambda: self.berth.environment.update(PATH=self.path))

    def install(self, name, folder=None):
        path = os.path.join(folder or self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(PROVIDER)
        os.chmod(path, 0o755)

    def script(self, action, text):
        with open(os.path.join(self.folder, action), "w", encoding="utf-8") as file:
            file.write(text)

    def calls(self):
        return host.read(os.path.join(self.folder, "calls")).splitlines()

    def records(self):
        return sorted(os.path.relpath(os.path.join(top, file), self.berth.root)
                      for top, _, files in os.walk(os.path.join(self.berth.root, "providers")) for file in files)

    def variables(self, stack, service="app"):
        text = stack.sh(service, "cat /proc/1/environ | tr '\\0' '\\n'")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def container(self, stack, service="app"):
        return stack("ps", "-q", service, check=0).out.strip()

    def test_what_depends_on_it_gets_its_variables_and_is_made_anew_when_they_change(self):
        stack = self.stack(SHOP, "shop")
        self.script("up", say("info", "preparing mysql\nfor you") + say("setenv", "URL=https://cloud/db?a=1") +
                    say("rawsetenv", "SECRET=theirs") + say("debug", "not seen"))
        up = stack.up()
        self.assertEqual(["compose --project-name=shop up --size=256 --tags=a --tags=b --type=mysql database"], self.calls())
        self.assert_in_order(up.err, " database  Creating", " database  preparing mysql\n", " database  Created",
                             'warning: provider of service "database" overrides environment variable "SECRET" in service "app"',
                             "Container shop-app-1  Created")
        self.assertNotIn("not seen", up.err)
        variables = self.variables(stack)
        self.assertEqual(("https://cloud/db?a=1", "theirs"), (variables["DATABASE_URL"], variables["SECRET"]))

        first = self.container(stack)
        stack.up()
        self.assertEqual((2, first), (len(self.calls()), self.container(stack)), "called again, and nothing has changed")
        self.script("up", say("setenv", "URL=other"))
        stack.up()
        self.assertNotEqual(first, self.container(stack))
        variables = self.variables(stack)
        self.assertEqual(("other", "mine"), (variables["DATABASE_URL"], variables["SECRET"]))

        self.assertEqual(["providers/shop/database.json"], self.records())
        down = stack("down", "-t", "0", check=0)
        self.assert_in_order(down.err, "Container shop-app-1  Removed", " database  Removing", " database  Removed")
        self.assertEqual("compose --project-name=shop down --size=256 --tags=a --tags=b --type=mysql database", self.calls()[-1])
        self.assertFalse(os.path.exists(os.path.join(self.berth.root, "providers")))
        calls = self.calls()
        stack("down", check=0)
        self.assertEqual(calls, self.calls(), "what is not up is not taken down")

    def test_what_it_says_as_json(self):
        stack = self.stack(SHOP, "shop")
        self.script("up", say("info", "half"))
        up = stack("--progress", "json", "up", "-d", check=0)
        lines = [json.loads(line) for line in up.err.splitlines() if line.startswith("{")]
        self.assertEqual([("Working", "Creating"), ("Working", "half"), ("Done", "Created")],
                         [(line["status"], line["text"]) for line in lines if line["id"] == "database"])

    def test_without_its_program_the_error_has_the_place_and_the_way_out(self):
        stack = self.stack(SHOP.replace("awesomecloud", "othercloud"), "shop")
        failed = stack("up", "-d", check=1)
        self.assertRegex(failed.err, r'error: compose\.yaml:11:7: service "database": provider "othercloud": '
                         r'there is no program for providers of type "othercloud"\n  app waited for database\n'
                         r'  hint: install "docker-othercloud" as a plugin .* or "othercloud" in a directory of PATH\n')
        self.assertEqual({}, stack.ps())
        self.assertEqual([], self.records())
        compose = self.stack(SHOP.replace("awesomecloud", "compose"), "own")
        self.assertIn('"compose" is no type of provider', compose("up", "-d", check=1).err)

    def test_a_failure_fails_the_up_with_what_the_provider_says(self):
        stack = self.stack(SHOP, "shop")
        self.script("up", say("info", "trying") + say("error", "no quota left") + "exec sleep 1000\n")
        failed = stack("up", "-d", check=1)
        self.assert_in_order(failed.err, " database  Error", 'service "database": provider "awesomecloud": no quota left\n',
                             "  app waited for database\n", "hint: it was called as: ", "up --size=256")
        self.assertEqual({}, stack.ps())
        self.assertEqual(["providers/shop/database.json"], self.records(), "something may be half made")
        self.script("up", "echo the cloud is gone >&2; exit 3\n")
        self.assertIn('"up" ended with exit code 3: the cloud is gone\n', stack("up", "-d", check=1).err)
        self.script("up", "echo no json\n")
        self.assertIn("it says what is not understood: no json\n", stack("up", "-d", check=1).err)
        self.script("up", say("publish-endpoint", "x"))
        self.assertIn('of type "publish-endpoint", which berth does not know', stack("up", "-d", check=1).err)
        self.script("up", say("setenv", "URL"))
        self.assertIn("its setenv is not NAME=value: URL\n", stack("up", "-d", check=1).err)
        stack("down", check=0)
        self.assertEqual([], self.records())

    def test_down_of_one_that_fails_can_be_repeated_and_needs_no_file(self):
        stack = self.stack(SHOP, "shop")
        stack.up()
        self.script("down", say("error", "it is locked"))
        failed = stack("down", "-t", "0", check=1)
        self.assertIn('error: service "database": provider "awesomecloud": it is locked\n', failed.err)
        self.assertEqual({}, stack.ps())
        self.script("down", "")
        self.assertIn("remove provider database (its provider is awesomecloud)\n",
                      self.berth("-p", "shop", "--dry-run", "down", check=0).out)
        self.assertEqual(1, len([call for call in self.calls() if " down " in call]))
        self.berth("-p", "shop", "down", "database", check=0)
        self.assertEqual([], self.records())

    def test_stop_is_for_those_that_can(self):
        stack = self.stack(SHOP, "shop")
        stack.up()
        stack("stop", "-t", "0", check=0)
        self.assertEqual(1, len(self.calls()), "it does not say that it can")
        self.script("metadata", f"echo '{json.dumps(METADATA)}'\n")
        stack.up()
        self.assertEqual("compose --project-name=shop up --size=256 --type=mysql database", self.calls()[-1], "only what it takes")
        stack("stop", "-t", "0", "app", check=0)
        stopped = stack("stop", "-t", "0", check=0)
        self.assert_in_order(stopped.err, " database  Stopping", " database  Stopped")
        self.assertEqual("compose --project-name=shop stop database", self.calls()[-1])
        self.assertEqual(3, len(self.calls()))
        self.assertEqual(["providers/shop/database.json"], self.records())
        with Terminal([BERTH, "up"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_for("Attaching to")
            terminal.type("\x03")
            self.assertEqual(130, terminal.wait_exit())
        self.assertEqual("compose --project-name=shop stop database", self.calls()[-1])
        stack("down", "-t", "0", check=0)
        self.assertEqual("compose --project-name=shop down --type=mysql database", self.calls()[-1])

    def test_an_option_that_it_needs_is_asked_for(self):
        stack = self.stack(SHOP.replace("type: mysql, ", ""), "shop")
        self.script("metadata", f"echo '{json.dumps(METADATA)}'\n")
        self.assertIn('the option "type" is missing, which it needs to up\n', stack("up", "-d", check=1).err)
        self.assertEqual([], self.calls())

    def test_a_plugin_of_docker_comes_first(self):
        plugins = os.path.join(self.berth.home, "docker-config")
        self.install("cli-plugins/docker-awesomecloud", plugins)
        self.berth.environment["DOCKER_CONFIG"] = plugins
        self.addCleanup(lambda: self.berth.environment.pop("DOCKER_CONFIG"))
        stack = self.stack(SHOP, "shop")
        stack.up()
        stack("down", "-t", "0", check=0)
        self.assertEqual([], self.calls())
        self.assertEqual(2, len(host.read(os.path.join(plugins, "cli-plugins", "calls")).splitlines()))
        more = os.path.join(self.berth.home, "more-plugins")
        self.install("docker-awesomecloud", more)
        with open(os.path.join(plugins, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"cliPluginsExtraDirs": [more]}, file)
        stack.up()
        self.assertEqual(1, len(host.read(os.path.join(more, "calls")).splitlines()))

    def test_it_may_ask_for_its_service(self):
        stack = self.stack(SHOP.replace("provider:", "environment: {A: 'x$$y'}\n        provider:"), "shop")
        self.script("up", "echo '{\"type\": \"get-service-config\"}'; read -r answer; echo \"$answer\" > \"$dir/answer\"\n")
        stack.up()
        answer = json.loads(host.read(os.path.join(self.folder, "answer")))
        self.assertEqual({"A": "x$y"}, answer["environment"])
        self.assertEqual({"type": "awesomecloud", "options": {"size": ["256"], "tags": ["a", "b"], "type": ["mysql"]}},
                         answer["provider"])

    def test_a_dry_run_calls_nobody(self):
        stack = self.stack(SHOP, "shop")
        self.script("up", say("setenv", "URL=x"))
        plan = stack("plan", check=2)
        self.assertIn("create provider database (is not up)\n", plan.out)
        self.assertEqual([{"action": "create", "name": "database", "reason": "is not up"}],
                         json.loads(stack("plan", "--format", "json", check=2).out)["providers"])
        stack("--dry-run", "up", check=0)
        self.assertEqual([], self.calls())
        stack.up()
        self.assertEqual("No changes\n", stack("plan", check=0).out, "with the variables of the last time")
        stack.write(SHOP.replace("256", "512"))
        self.assertEqual("create provider database (has changed)\n", stack("plan", check=2).out)
        self.assertIn("remove provider database", stack("--dry-run", "down", check=0).out)
        self.assertEqual(1, len(self.calls()))

    def test_other_commands_know_that_there_is_no_container(self):
        stack = self.stack(SHOP, "shop")
        config = stack("config", "--format", "json", check=0).json()
        self.assertEqual(["256"], config["services"]["database"]["provider"]["options"]["size"])
        self.assertNotIn("networks", config["services"]["database"])
        self.assertEqual("busybox:1\n", stack("config", "--images", check=0).out)
        self.assertRegex(stack("config", "--hash", "*", check=0).out, r"^app [0-9a-f]{64}\ndatabase [0-9a-f]{64}\n$")
        self.assertIn("provider awesomecloud", stack("graph", check=0).out)
        (graphed,) = [one for one in json.loads(stack("graph", "--format", "json", check=0).out)["services"]
                      if one["name"] == "database"]
        self.assertEqual("awesomecloud", graphed["provider"])
        stack("pull", "database", check=0)
        stack("build", check=0)
        stack.up("--wait")
        self.assertEqual(["app"], list(stack.ps()))
        self.assertEqual("", stack("ps", "-q", "database", check=0).out)
        self.assertIn("has no containers whose number", stack("up", "-d", "--scale", "database=2", check=1).err)
        self.assertIn("has no container to run anything in", stack("run", "database", "true", check=1).err)

    def test_run_and_up_of_one_service(self):
        stack = self.stack(SHOP, "shop")
        self.script("up", say("setenv", "URL=x"))
        self.assertEqual("x", stack("run", "--rm", "app", "sh", "-c", "echo $DATABASE_URL", check=0).out.strip())
        stack.up()
        self.assertEqual(2, len(self.calls()))
        first = self.container(stack)
        stack.up("--no-deps", "app")
        self.assertEqual((2, first), (len(self.calls()), self.container(stack)))
        stack.up("database")
        self.assertEqual((3, first), (len(self.calls()), self.container(stack)))
        stack("down", "-t", "0", "database", check=0)
        self.assertEqual([], self.records())

    def test_one_provider_after_the_other_and_back(self):
        stack = self.stack("""
            services:
              last: {provider: {type: awesomecloud}, depends_on: [middle]}
              middle: {provider: {type: awesomecloud}, depends_on: {first: {condition: service_healthy}}}
              first: {provider: {type: awesomecloud}}
            """, "chain")
        stack.up()
        stack("down", check=0)
        self.assertEqual(["up first", "up middle", "up last", "down last", "down middle", "down first"],
                         [call.removeprefix("compose --project-name=chain ") for call in self.calls()])

    def start_and_wait(self, stack):
        self.script("up", "trap 'echo told >> \"$dir/told\"; exit 1' TERM; echo $$ > \"$dir/pid\"; while :; do read -r line || sleep 0.05; done\n")
        process = subprocess.Popen([BERTH, "up", "-d"], cwd=stack.folder, env=self.berth.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        pid = wait_until("the provider is called", lambda: host.read(os.path.join(self.folder, "pid")).strip())
        return process, int(pid)

    def test_an_up_that_is_cancelled_or_killed_takes_the_program_along(self):
        stack = self.stack(SHOP, "shop")
        process, pid = self.start_and_wait(stack)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(130, process.returncode)
        self.assertFalse(host.is_alive(pid))
        self.assertEqual("told\n", host.read(os.path.join(self.folder, "told")))
        os.unlink(os.path.join(self.folder, "pid"))
        process, pid = self.start_and_wait(stack)
        process.kill()
        process.communicate(timeout=30)
        wait_until("it is told to end", lambda: not host.is_alive(pid))
        self.assertEqual(["providers/shop/database.json"], self.records())
        stack("down", check=0)
        self.assertEqual([], self.records())
