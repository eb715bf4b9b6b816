"""Volumes by hand, beside those that stacks make, and the list of projects: commands and output as Docker's."""

import json
import os

from harness import Case

STACK = """
    services:
      db:
        image: busybox:1
        command: [sleep, infinity]
        stop_grace_period: 0s
        volumes: ["data:/data", "/scratch"]
      web:
        image: busybox:1
        command: [sleep, infinity]
        stop_grace_period: 0s
        volumes: ["cache:/cache"]
    volumes:
      data: {labels: {tier: hot}}
      cache: {}
"""


class Volumes(Case):
    def volume(self, *arguments, **options):
        return self.berth("volume", *arguments, **{"check": 0, **options}).out

    def names(self, *arguments):
        return self.volume("ls", "-q", *arguments).split()

    def test_one_is_made_shown_and_removed(self):
        self.assertEqual("tools\n", self.volume("create", "--label", "a=b", "--label", "c", "-o", "type=tmpfs", "-o", "device=tmpfs",
                                                "tools"))
        self.assertEqual("tools\n", self.volume("create", "-o", "type=tmpfs", "-o", "device=tmpfs", "tools"), "it is there already")
        (shown,) = json.loads(self.volume("inspect", "tools"))
        self.assertEqual({"a": "b", "c": ""}, shown["Labels"])
        self.assertEqual({"type": "tmpfs", "device": "tmpfs"}, shown["Options"])
        self.assertEqual(["CreatedAt", "Driver", "Labels", "Mountpoint", "Name", "Options", "Scope"], list(shown))
        self.assertTrue(os.path.isdir(shown["Mountpoint"]))
        self.assertEqual("local b\n", self.volume("inspect", "-f", "{{.Driver}} {{.Labels.a}}", "tools"))
        self.assertEqual("DRIVER   VOLUME NAME\nlocal    tools\n", self.volume("ls"))
        (row,) = [json.loads(line) for line in self.volume("ls", "--format", "json").splitlines()]
        self.assertEqual({"Availability": "N/A", "Driver": "local", "Group": "N/A", "Labels": "a=b,c=", "Links": "N/A",
                          "Mountpoint": shown["Mountpoint"], "Name": "tools", "Scope": "local", "Size": "N/A", "Status": "N/A"}, row)
        self.assertEqual("tools\n", self.volume("rm", "tools"))
        self.assertFalse(os.path.exists(shown["Mountpoint"]))

    def test_one_without_a_name_is_anonymous(self):
        name = self.volume("create").strip()
        self.assertRegex(name, "^[0-9a-f]{64}$")
        self.volume("create", "kept")
        self.assertRegex(self.volume("prune", "-f"), f"^Deleted Volumes:\n{name}\n\nTotal reclaimed space: ")
        self.assertEqual(["kept"], self.names())
        self.assertIn("kept", self.volume("prune", "--all", "-f"))
        self.assertEqual([], self.names())

    def test_pruning_asks_and_takes_filters(self):
        self.volume("create", "--label", "keep", "one")
        self.volume("create", "two")
        self.assertIn("This will remove all local volumes", self.volume("prune", "-a", stdin="n\n"))
        self.assertEqual(["one", "two"], self.names())
        self.volume("prune", "-f", "--filter", "all=true", "--filter", "label!=keep")
        self.assertEqual(["one"], self.names())
        self.assertIn('the filter "until" is not for volumes', self.berth("volume", "prune", "-f", "--filter", "until=1h").err)
        self.volume("rm", "one")

    def test_what_is_wrong_is_named_and_the_rest_is_done(self):
        self.volume("create", "good")
        done = self.berth("volume", "rm", "godo", "good", check=1)
        self.assertEqual("good\n", done.out)
        self.assertIn('volume "godo"', done.err)
        self.assertIn("good", done.err, "the nearest name")
        self.assertEqual("gone\n", self.volume("rm", "-f", "gone"))
        self.assertEqual("[]\n", self.berth("volume", "inspect", "gone", check=1).out)
        self.assertIn("expected a letter or digit", self.berth("volume", "create", "../up", check=1).err)
        self.assertIn('driver "nfs" is not known', self.berth("volume", "create", "-d", "nfs", "x", check=1).err)
        self.assertIn('did you mean "name"?', self.berth("volume", "ls", "-f", "nmae=x", check=1).err)

    def test_those_of_a_stack(self):
        stack = self.stack(STACK)
        stack.up()
        data, cache = f"{stack.name}_data", f"{stack.name}_cache"
        self.volume("create", "other")
        self.assertEqual({data, cache}, set(self.names("-f", f"label=com.docker.compose.project={stack.name}")) - {"other"})
        self.assertEqual([data], self.names("-f", "label=tier=hot"))
        self.assertEqual(["other"], self.names("-f", "dangling=true"))
        self.assertEqual([cache], self.names("-f", "name=_cac"))
        self.assertEqual([cache, data], stack("volumes", "-q", check=0).out.split())
        self.assertEqual(f"{cache} local\n", stack("volumes", "--format", "{{.Name}} {{.Driver}}", "web", check=0).out)
        self.assertEqual([data], stack("volumes", "-q", "db", check=0).out.split())
        self.assertEqual(f"DRIVER   VOLUME NAME\nlocal    {cache}\n", stack("volumes", "web", check=0).out)
        used = self.berth("volume", "rm", data, check=1)
        self.assertIn(f"volume {data} is in use by {stack.name}-db-1", used.err)
        stack("down", "-v", check=0)
        self.assertEqual(["other"], self.names())
        self.volume("rm", "other")


class Projects(Case):
    def test_ls(self):
        stack = self.stack(STACK)
        self.assertEqual("NAME   STATUS   CONFIG FILES\n", self.berth("ls", check=0).out)
        self.assertEqual("[]\n", self.berth("ls", "--format", "json", check=0).out)
        stack.up()
        stack("stop", "web", check=0)
        files = os.path.join(stack.folder, "compose.yaml")
        self.assertEqual([{"Name": stack.name, "Status": "running(1)", "ConfigFiles": files}],
                         json.loads(self.berth("ls", "--format", "json", check=0).out))
        (row,) = json.loads(self.berth("ls", "-a", "--format", "json", check=0).out)
        self.assertEqual("exited(1), running(1)", row["Status"])
        self.assertEqual(f"{stack.name}\n", self.berth("ls", "-q", check=0).out)
        self.assertEqual("", self.berth("ls", "-q", "--filter", "name=^no", check=0).out)
        self.assertEqual(f"{stack.name}\n", self.berth("ls", "-q", "--filter", f"name=^{stack.name[:3]}", check=0).out)
        self.assertIn('expected table or json', self.berth("ls", "--format", "yaml", check=1).err)
        stack("down", "-v", check=0)
