"""What `up` recreates and why, shown by `plan` and --dry-run before it is done."""

import os
import re

import host
from harness import Case, wait_until

SERVICES = """
    services:
      db:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {MARK: "%MARK%-db", LEVEL: info}
        stop_grace_period: 0s
      web:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {MARK: "%MARK%-web"}
        depends_on: [db]
        stop_grace_period: 0s
"""


def files_below(*folders):
    """Everything in them with its content, as far as it has one."""
    found = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            found[place] = None
            for name in names:
                path = os.path.join(place, name)
                regular = os.path.isfile(path) and not os.path.islink(path)
                found[path] = (os.lstat(path).st_mtime_ns, host.read(path) if regular and not re.search("/(layers|blobs)/", path) else None)
    return found


class Converge(Case):
    def ids(self, stack):
        return {row["Name"]: row["ID"] for row in stack("ps", "-a", "--no-trunc", "--format", "json", check=0).json()}

    def assert_unchanged(self, stack, action):
        """action() must leave everything as it is."""
        def look():
            kinds = host.snapshot()
            del kinds["file"]  # of the whole machine, on which others work too
            return files_below(self.berth.root, self.berth.run), kinds, self.ids(stack)

        before = look()
        action()
        for then, now in zip(before, look()):
            self.assertEqual(then, now)

    def test_a_plan_names_every_step_and_the_attribute_that_is_its_reason(self):
        stack = self.stack(SERVICES, "planned")
        fresh = stack("plan")
        self.assertEqual(2, fresh.code, fresh)
        self.assertEqual("create network planned_default (missing)\n"
                         "create container planned-db-1 (missing)\n"
                         "create container planned-web-1 (missing)\n"
                         "start container planned-db-1 (not running)\n"
                         "start container planned-web-1 (not running)\n", fresh.out)
        stack.up()
        again = stack("plan")
        self.assertEqual((0, "No changes\n"), (again.code, again.out), again)
        stack.write(SERVICES.replace("LEVEL: info", "LEVEL: debug, NEW: x"))
        changed = stack("plan")
        self.assertEqual(2, changed.code, changed)
        self.assertEqual("recreate container planned-db-1 (configuration changed)\n"
                         '    environment.LEVEL: "info" -> "debug"\n'
                         '    environment.NEW: (not set) -> "x"\n'
                         "stop container planned-db-1 (is replaced)\n"
                         "rename container planned-db-1 (takes the place of the old one)\n"
                         "start container planned-db-1 (not running)\n"
                         "remove container planned-db-1 (is replaced)\n", changed.out)
        json = stack("plan", "--format", "json").json()[0]
        self.assertTrue(json["changes"])
        self.assertEqual({"attribute": "environment.LEVEL", "before": "info", "after": "debug"}, json["steps"][0]["changes"][0])
        self.assertEqual("recreate", json["steps"][0]["action"])
        before = self.ids(stack)
        stack.up()
        after = self.ids(stack)
        self.assertEqual(before["planned-web-1"], after["planned-web-1"])
        self.assertNotEqual(before["planned-db-1"], after["planned-db-1"])
        self.assertEqual(0, stack("plan").code)
        self.assertEqual(1, stack("plan", "nosuch").code)

    def test_a_dry_run_of_any_command_changes_nothing(self):
        stack = self.stack(SERVICES, "dry")
        for first in (("up", "-d"), ("create",), ("run", "web", "true"), ("pull",), ("down", "-v")):
            self.assert_unchanged(stack, lambda: stack("--dry-run", *first, check=0))
        stack.up("--scale", "web=2")
        stack.write(SERVICES.replace("LEVEL: info", "LEVEL: debug"))
        commands = [("up", "-d"), ("up",), ("up", "--force-recreate", "--wait"), ("create", "--force-recreate"), ("scale", "web=3"),
                    ("down", "-v"), ("stop",), ("restart",), ("rm", "-s"), ("kill",), ("pause",), ("run", "--rm", "web", "true"),
                    ("exec", "web", "touch", "/x"), ("cp", "compose.yaml", "web:/x"), ("pull",), ("push",), ("build",)]
        for command in commands:
            for words in (("--dry-run", *command), (command[0], "--dry-run", *command[1:])):
                self.assert_unchanged(stack, lambda: stack(*words, check=0))
        self.assertIn("stop container dry-web-2", stack("--dry-run", "stop", check=0).out)
        self.assertIn("remove network dry_default", stack("--dry-run", "down", check=0).out)
        self.assertIn("No changes", stack("--dry-run", "start", check=0).out)
        refused = stack("--dry-run", "network", "create", "x")
        self.assertEqual(1, refused.code)
        self.assertIn("has no --dry-run", refused.err)

    def test_a_dry_run_makes_not_even_a_state_directory(self):
        fresh = type(self.berth)()
        self.addCleanup(fresh.discard)
        with open(os.path.join(fresh.home, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write("name: fresh\nservices: {web: {image: busybox:1, volumes: [data:/data]}}\nvolumes: {data: {}}\n")
        for command in (("up", "-d"), ("plan",), ("down", "-v"), ("pull",), ("create",)):
            fresh("--dry-run", *command)
        self.assertEqual(["compose.yaml"], os.listdir(fresh.home))

    def test_anonymous_volumes_stay_unless_they_are_to_be_renewed(self):
        text = SERVICES.replace("LEVEL: info}", "LEVEL: info}\n        volumes: [/data]")
        stack = self.stack(text)
        stack.up()
        stack.sh("db", "echo kept > /data/file")
        stack.write(text.replace("LEVEL: info", "LEVEL: debug"))
        stack.up()
        self.assertEqual("kept debug", stack.sh("db", "echo $(cat /data/file) $LEVEL"))
        volumes = os.listdir(os.path.join(self.berth.root, "volumes"))
        stack.up("-V", "db")
        self.assertEqual("", stack.sh("db", "cat /data/file 2>/dev/null || true"))
        renewed = os.listdir(os.path.join(self.berth.root, "volumes"))
        self.assertEqual(len(volumes), len(renewed))  # nothing is left of the old one
        self.assertNotEqual(sorted(volumes), sorted(renewed))

    def test_only_what_is_named_is_forced_unless_dependencies_are_asked_for(self):
        stack = self.stack(SERVICES)
        stack.up()
        first = stack.ps()
        stack.up("--force-recreate", "web")
        forced = stack.ps()
        self.assertEqual(first["db"]["ID"], forced["db"]["ID"])
        self.assertNotEqual(first["web"]["ID"], forced["web"]["ID"])
        stack.up("--always-recreate-deps", "web")
        deps = stack.ps()
        self.assertNotEqual(forced["db"]["ID"], deps["db"]["ID"])
        self.assertEqual(forced["web"]["ID"], deps["web"]["ID"])
        stack.write(SERVICES.replace("LEVEL: info", "LEVEL: debug"))
        stack.up("--no-recreate")
        self.assertEqual(deps["db"]["ID"], stack.ps()["db"]["ID"])
        for flag in ("--force-recreate", "--always-recreate-deps", "-V"):
            self.assertEqual(1, stack("up", "-d", "--no-recreate", flag).code)

    def test_other_contents_of_configs_and_secrets_make_another_container(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                configs: [conf]
                secrets: [key]
                stop_grace_period: 0s
            configs: {conf: {file: ./conf}}
            secrets: {key: {file: ./key}}
            """)
        write = lambda name, text: open(os.path.join(stack.folder, name), "w", encoding="utf-8").write(text)
        write("conf", "one"), write("key", "secret one")
        stack.up()
        self.assertEqual(0, stack("plan").code)
        write("key", "secret two")
        plan = stack("plan")
        self.assertEqual(2, plan.code, plan)
        self.assertIn("secrets./run/secrets/key.digest", plan.out)
        self.assertNotIn("secret two", plan.out)
        before = stack.ps()["web"]["ID"]
        stack.up()
        self.assertNotEqual(before, stack.ps()["web"]["ID"])
        self.assertEqual("secret two", stack.sh("web", "cat /run/secrets/key"))

    def test_a_volume_defined_otherwise_is_made_anew_only_if_that_is_said(self):
        text = """
            services:
              db:
                image: busybox:1
                command: [sleep, "100000"]
                volumes: [data:/data]
                stop_grace_period: 0s
            volumes: {data: {labels: {a: "1"}}}
            """
        stack = self.stack(text)
        stack.up()
        stack.sh("db", "echo old > /data/file")
        stack.write(text.replace('a: "1"', 'a: "2"'))
        asked = stack("up", "-d", check=0)
        self.assertIn("data will be lost", asked.err)
        self.assertIn('labels.a: "1" -> "2"', asked.err)
        self.assertEqual("old", stack.sh("db", "cat /data/file"))
        self.assertEqual(0, stack("plan").code)
        self.assertIn("remove volume", stack("plan", "-y").out)
        before = stack.ps()["db"]["ID"]
        stack.up("-y")
        self.assertEqual("", stack.sh("db", "ls /data"))
        self.assertEqual(before, stack.ps()["db"]["ID"])  # only stopped meanwhile
        self.assertNotIn("data will be lost", stack("up", "-d", check=0).err)

    def test_scaling_keeps_what_is_as_it_should_be_and_counts_on(self):
        stack = self.stack(SERVICES)
        names = lambda: sorted(name.rsplit("-", 2)[1] + name.rsplit("-", 2)[2] for name in self.ids(stack))
        stack.up()
        stack("scale", "web=3", check=0)
        self.assertEqual(["db1", "web1", "web2", "web3"], names())
        stack("scale", "web=2", check=0)
        self.assertEqual(["db1", "web1", "web2"], names())
        # Number 1 becomes the only one that is not as it should be.
        stack.write(SERVICES.replace("depends_on", "labels: {new: x}\n        depends_on"))
        stack("up", "-d", "--no-recreate", "--scale", "web=3", check=0)
        stack("up", "-d", "--scale", "web=1", check=0)
        self.assertEqual(["db1", "web3"], names())
        stack("scale", "web=2", check=0)
        self.assertEqual(["db1", "web3", "web4"], names())
        self.assertEqual(1, stack("scale", "nosuch=2").code)

    def test_create_makes_containers_and_starts_none(self):
        stack = self.stack(SERVICES)
        stack("create", "--scale", "web=2", check=0)
        rows = stack("ps", "-a", "--format", "json", check=0).json()
        self.assertEqual(["created"] * 3, [row["State"] for row in rows])
        stack("start", check=0)
        before = self.ids(stack)
        stack("create", "--force-recreate", "db", check=0)
        after = self.ids(stack)
        self.assertEqual(before.keys(), after.keys())
        changed = [name for name in before if before[name] != after[name]]
        self.assertEqual([name for name in before if "-db-" in name], changed)

    def test_a_stopped_container_is_started_and_a_lost_volume_is_made_again(self):
        stack = self.stack(SERVICES.replace("LEVEL: info}", "LEVEL: info}\n        volumes: [data:/data]")
                           + "\n    volumes: {data: {}}\n")
        stack.up()
        before = stack.ps()
        stack("kill", "web", check=0)
        wait_until("web has ended", lambda: stack.ps()["web"]["State"] == "exited")
        self.assertEqual("start container " + before["web"]["Name"] + " (not running)\n", stack("plan").out)
        stack.up()
        self.assertEqual(before["web"]["ID"], stack.ps()["web"]["ID"])
        volume = os.path.join(self.berth.root, "volumes", stack.name + "_data")
        os.rename(volume, os.path.join(self.berth.home, "lost"))
        self.assertIn("volume " + stack.name + "_data was missing", stack("plan").out)
        stack.up()
        self.assertNotEqual(before["db"]["ID"], stack.ps()["db"]["ID"])
        self.assertTrue(os.path.isdir(volume))
