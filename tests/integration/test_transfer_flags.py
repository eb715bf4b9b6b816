"""Flags of what brings images here and takes them elsewhere, each by what the store or the registry has afterwards."""

import os
import socket
import urllib.error

from test_pull import RegistryCase


class Here(RegistryCase):
    """What pull, create and run bring."""

    def setUp(self):
        self.addCleanup(lambda: self.berth("container", "rm", "-f", *self.berth("container", "ls", "-aq").out.split(), "none"))
        self.addCleanup(lambda: self.berth("image", "prune", "-af"))

    def here(self):
        """Names in the store, without the registry's."""
        return {name.removeprefix(self.registry.host + "/") for name in
                self.berth("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", check=0).out.split()}

    def test_all_tags_or_one(self):
        for tag in ("1", "2"):
            self.publish("busybox:1", f"many:{tag}")
        self.assertIn("latest", self.berth("image", "pull", f"{self.registry.host}/many", check=1).err)
        self.berth("image", "pull", "--all-tags", f"{self.registry.host}/many", check=0)
        self.assertEqual({"many:1", "many:2"}, self.here())

    def test_a_service_brings_what_it_depends_on_only_if_asked(self):
        below = self.publish("busybox:1", "below:1")
        stack = self.stack(f"services: {{web: {{image: '{self.app}', depends_on: [db]}}, db: {{image: '{below}'}}}}")
        stack("pull", "web", check=0)
        self.assertEqual({"app:1"}, self.here())
        stack("pull", "--include-deps", "web", check=0)
        self.assertEqual({"app:1", "below:1"}, self.here())

    def test_what_is_here_is_asked_for_again_unless_only_what_is_missing_is_wanted(self):
        stack = self.stack(f"services: {{web: {{image: '{self.app}'}}}}")
        stack("pull", check=0)
        self.assertNotIn("already present", stack("pull", check=0).err)
        self.assertIn("already present", stack("pull", "--policy", "missing", check=0).err)

    def test_create_and_run_say_what_they_pull_unless_told_not_to(self):
        for verb in ("create", "run"):
            said = lambda *flags: self.berth("container", verb, "--pull", "always", *flags, self.app, "true", check=0).err  # pylint: disable=cell-var-from-loop
            self.assertIn("Pull", said(), verb)
            self.assertEqual("", said("--quiet"), verb)

    def test_an_image_for_another_platform_is_none(self):
        self.berth("image", "pull", self.app, check=0)
        stack = self.stack(f"services: {{web: {{image: '{self.app}', platform: linux/s390x, pull_policy: never}}}}")
        self.assert_in_order(stack("create", check=1).err, "is for the platform linux/", "not for linux/s390x")
        for verb, failed in (("create", 1), ("run", 125)):
            never = self.berth("container", verb, "--platform", "linux/s390x", "--pull", "never", self.app, "true", check=failed)
            self.assert_in_order(never.err, "is for the platform linux/", "not for linux/s390x")
            pulled = self.berth("container", verb, "--platform", "linux/s390x", self.app, "true", check=failed)
            self.assertIn("but not for the platform linux/s390x: it is for linux/", pulled.err)
            self.assertNotIn("s390x", self.berth("container", verb, "--platform", os.uname().machine, self.app, "true", check=0).err)

    def test_load_says_what_it_has_loaded_unless_told_not_to(self):
        archive = os.path.join(self.berth.home, "saved.tar")
        self.maker("save", "-o", archive, "busybox:1", check=0)
        for how in (["load"], ["image", "load"]):
            said = self.berth(*how, "-i", archive, check=0)
            quiet = self.berth(*how, "--quiet", "-i", archive, check=0)
            self.assertGreater(len(said.out + said.err), len(quiet.out + quiet.err), how)


class There(RegistryCase):
    """What build and push take to the registry."""

    images = staticmethod(lambda berth: berth.import_busybox())
    BUILT = "{image: '%s', build: {context: ., dockerfile_inline: 'FROM busybox:1'}}"

    def there(self, name):
        """Its tags."""
        try:
            return sorted(self.registry.get(f"{name}/tags/list")["tags"])
        except urllib.error.HTTPError:
            return []

    def name(self, name):
        return f"{self.registry.host}/{name}:1"

    def built(self, **images):
        """A project whose services are built; the first one depends on the others."""
        services = [f"{service}: {self.BUILT % image}" for service, image in images.items()]
        others = ", ".join(list(images)[1:])
        return self.stack("services:\n  " + "\n  ".join([services[0][:-1] + f", depends_on: [{others}]}}", *services[1:]]) + "\n")

    def test_what_is_built_goes_there_if_asked(self):
        stack = self.built(web=self.name("composed"))
        stack("build", check=0)
        self.assertFalse(self.there("composed"))
        stack("build", "--push", check=0)
        self.assertTrue(self.there("composed"))
        with open(os.path.join(stack.folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\n")
        self.berth("image", "build", "-t", self.name("single"), stack.folder, check=0)
        self.assertFalse(self.there("single"))
        self.berth("image", "build", "--push", "-t", self.name("single"), stack.folder, check=0)
        self.assertTrue(self.there("single"))

    def test_an_image_beside_other_outputs_stays_only_if_asked(self):
        with open(os.path.join(self.berth.home, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\n")
        for flags, kept in (([], 1), (["--load"], 0)):
            out = os.path.join(self.berth.home, "out" + "".join(flags))
            self.berth("image", "build", "-t", "kept:1", "-o", f"type=tar,dest={out}", *flags, self.berth.home, check=0)
            self.berth("image", "inspect", "kept:1", check=kept)

    def test_push_takes_what_a_service_depends_on_and_says_nothing_if_so_asked(self):
        stack = self.built(web=self.name("front"), db=self.name("back"))
        stack("build", check=0)
        self.assertIn("Pushed", stack("push", "web", check=0).err)
        self.assertEqual((["1"], []), (self.there("front"), self.there("back")))
        stack("--dry-run", "push", check=0)
        stack("push", "--dry-run", "db", check=0)
        self.assertFalse(self.there("back"))
        self.assertEqual("", stack("push", "--quiet", "--include-deps", "web", check=0).err)
        self.assertTrue(self.there("back"))

    def test_push_minds_what_cannot_be_pushed_unless_told_not_to(self):
        stack = self.built(web=self.name("good"), db="127.0.0.1:1/bad:1")
        stack("build", check=0)
        self.assertIn("127.0.0.1:1", stack("push", check=1).err)
        stack("push", "--ignore-push-failures", check=0)
        self.assertTrue(self.there("good"))

    def test_push_of_an_image_takes_all_tags_and_says_nothing_if_so_asked(self):
        for tag in ("1", "2"):
            self.berth("tag", "busybox:1", f"{self.registry.host}/tags:{tag}", check=0)
        self.berth("image", "push", f"{self.registry.host}/tags", check=1)
        self.berth("image", "push", "--all-tags", f"{self.registry.host}/tags", check=0)
        self.assertEqual(["1", "2"], self.there("tags"))
        self.assertIn("digest", self.berth("image", "push", self.name("tags"), check=0).out)
        self.assertEqual(self.name("tags") + "\n", self.berth("image", "push", "--quiet", self.name("tags"), check=0).out)


class Building(RegistryCase):
    """What build does with services."""

    images = staticmethod(lambda berth: berth.import_busybox())

    def services(self, instructions="RUN echo loudly said > /said", base="busybox:1"):
        inline = f"FROM {base}\\n{instructions}"
        return self.stack(f"""
            services:
              web: {{image: 'web:1', depends_on: [db], build: {{context: ., dockerfile_inline: "{inline}"}}}}
              db: {{image: 'db:1', build: {{context: ., dockerfile_inline: "FROM busybox:1"}}}}
            """)

    def is_here(self, name):
        return self.berth("image", "inspect", name).code == 0

    def forget(self, *names):
        self.berth("rmi", "-f", *names)

    def test_dependencies_are_built_along_only_if_asked(self):
        stack = self.services()
        self.forget("web:1", "db:1")
        stack("build", "web", check=0)
        self.assertEqual((True, False), (self.is_here("web:1"), self.is_here("db:1")))
        stack("build", "--with-dependencies", "web", check=0)
        self.assertTrue(self.is_here("db:1"))

    def test_a_check_builds_nothing_and_names_mistakes(self):
        stack = self.services()
        self.forget("web:1", "db:1")
        stack("build", "--check", check=0)
        self.assertFalse(self.is_here("web:1") or self.is_here("db:1"))
        with open(os.path.join(stack.folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\n")
        self.berth("image", "build", "--check", "-t", "web:1", stack.folder, check=0)
        self.assertFalse(self.is_here("web:1"))

    def test_steps_are_shown_unless_told_not_to(self):
        stack = self.services()
        self.assertIn("RUN", stack("build", "web", check=0).err)
        self.assertEqual("", stack("build", "--quiet", "web", check=0).err)

    def test_the_base_is_asked_for_again_if_told_so(self):
        moving = self.publish("busybox:1", "moving:1")
        stack = self.services("RUN echo $${GENERATION:-1} > /generation", base=moving)
        generation = lambda: self.berth("container", "run", "--rm", "web:1", "cat", "/generation", check=0).out
        stack("build", "web", check=0)
        self.assertEqual("1\n", generation())
        self.make("newer:1", "ENV PATH=/bin", "ENV GENERATION=2")
        self.publish("newer:1", "moving:1")
        stack("build", "web", check=0)
        self.assertEqual("1\n", generation())
        stack("build", "--pull", "web", check=0)
        self.assertEqual("2\n", generation())

    def test_the_agent_is_handed_to_steps_that_want_it_if_told_so(self):
        stack = self.services("RUN --mount=type=ssh,required=true test -S $$SSH_AUTH_SOCK")
        path = os.path.join(stack.folder, "agent")
        with socket.socket(socket.AF_UNIX) as agent:
            agent.bind(path)
            agent.listen()
            self.assertIn("ssh", stack("build", "web", check=1).err)
            stack("build", "--ssh", f"default={path}", "web", check=0)
