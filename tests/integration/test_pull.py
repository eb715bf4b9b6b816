"""`pull`, `push` and what `up` pulls by itself, against a real registry on loopback."""

import glob
import hashlib
import json
import os
import signal
import subprocess
import urllib.request

from harness import BERTH, Berth, Case, wait_until
from registries import Registry
from terminal import Terminal, Window


class RegistryCase(Case):
    """A registry with `app:1`, a busybox image, made by another berth and pushed by skopeo."""

    @staticmethod
    def images(_):
        """The class's own root begins empty."""

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)
        cls.maker = Berth()
        cls.addClassCleanup(cls.maker.discard)
        cls.maker.import_busybox()
        cls.app = cls.publish("busybox:1", "app:1")
        super().setUpClass()

    @classmethod
    def publish(cls, image, name, *options):
        return cls.registry.push(f"oci:{cls.maker.root}/images:docker.io/library/{image}", name, *options)

    @classmethod
    def make(cls, name, *changes):
        """A busybox image with changes, in the maker's store."""
        words = [word for change in changes for word in ("--change", change)]
        with open(cls.maker.home + "/busybox.tar", "wb") as tar:
            import busybox  # pylint: disable=import-outside-toplevel
            busybox.write_tar(tar)
        return cls.maker("import", *words, cls.maker.home + "/busybox.tar", name, check=0).out.strip()

    def fresh(self):
        """A root of its own for tests that count what is fetched."""
        berth = Berth()
        self.addCleanup(berth.discard)
        return berth

    def temporaries(self, berth):
        """What of a layer is on its way."""
        return glob.glob(f"{berth.root}/images/blobs/sha256/.tmp-*") + glob.glob(f"{berth.root}/images/layers/.tmp-*")


class PullImage(RegistryCase):
    def test_a_pulled_image_runs(self):
        berth = self.fresh()
        pulled = berth("image", "pull", self.app, check=0)
        digest = "sha256:" + hashlib.sha256(self.manifest_bytes("app", "1")).hexdigest()
        self.assert_in_order(pulled.out, "1: Pulling from " + self.registry.host + "/app", ": Pulling fs layer", ": Pull complete",
                             f"Digest: {digest}", f"Status: Downloaded newer image for {self.app}", self.app)
        self.assertIn(self.registry.host + "/app", berth("image", "ls", check=0).out)
        self.assertIn(digest, berth("image", "ls", "--digests", check=0).out)
        self.assertEqual(berth("image", "inspect", self.app, check=0).json()[0]["RepoDigests"], [f"{self.registry.host}/app@{digest}"])
        stack = self.stack_of(berth, self.app)
        self.addCleanup(lambda: berth("down", "-t", "0", cwd=stack))
        self.assertEqual(berth("run", "--rm", "-T", "s", "echo", "hello", cwd=stack, check=0).out, "hello\n")

    def manifest_bytes(self, repository, tag):
        request = urllib.request.Request(f"http://{self.registry.host}/v2/{repository}/manifests/{tag}", headers={
            "Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
                      "application/vnd.oci.image.index.v1+json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def stack_of(self, berth, image):
        folder = os.path.join(berth.home, "stack")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(f"services:\n  s:\n    image: {image}\n    network_mode: none\n")
        return folder

    def test_the_second_pull_is_one_head_request(self):
        berth = self.fresh()
        berth("image", "pull", self.app, check=0)
        before = len(self.registry.requests())
        again = berth("image", "pull", self.app, check=0)
        self.assertIn(f"Status: Image is up to date for {self.app}", again.out)
        asked = [request for request in self.registry.requests()[before:] if request != "GET /v2/"]
        self.assertEqual(asked, ["HEAD /v2/app/manifests/1"])

    def test_quiet_prints_the_name_only(self):
        self.assertEqual(self.fresh()("image", "pull", "-q", self.app, check=0).out, self.app + "\n")

    def test_every_format_and_compression(self):
        for name, options in {"v2s2": ["--format", "v2s2"], "oci": ["--format", "oci"],
                              "zstd": ["--format", "oci", "--dest-compress-format", "zstd"]}.items():
            with self.subTest(name):
                image = self.publish("busybox:1", f"app:{name}", *options)
                berth = self.fresh()
                berth("image", "pull", image, check=0)
                stack = self.stack_of(berth, image)
                self.assertEqual(berth("run", "--rm", "-T", "s", "cat", "/var/www/index.html", cwd=stack, check=0).out, "it works\n")
                berth("down", "-t", "0", cwd=stack)

    def test_by_digest(self):
        digest = "sha256:" + hashlib.sha256(self.manifest_bytes("app", "1")).hexdigest()
        berth = self.fresh()
        name = f"{self.registry.host}/app@{digest}"
        berth("image", "pull", name, check=0)
        stack = self.stack_of(berth, name)
        self.assertEqual(berth("run", "--rm", "-T", "s", "echo", "hello", cwd=stack, check=0).out, "hello\n")
        berth("down", "-t", "0", cwd=stack)
        wrong = f"{self.registry.host}/app@sha256:{'0' * 64}"
        self.assertIn("0" * 12, berth("image", "pull", wrong, check=1).err)

    def test_what_is_not_there_is_named(self):
        berth = self.fresh()
        for name in (f"{self.registry.host}/app:nosuchtag", f"{self.registry.host}/nosuchapp:1"):
            with self.subTest(name):
                refused = berth("image", "pull", name, check=1)
                self.assertIn(name.split("/", 1)[1].split(":")[0], refused.err)
                self.assertEqual(berth("image", "ls", "-q", check=0).out, "")
        self.assertIn("127.0.0.1:1", berth("image", "pull", "127.0.0.1:1/app:1", check=1).err)

    def test_an_index_gives_the_image_for_the_platform(self):
        ids = {"amd64": self.make("amd:1", "LABEL arch=amd64"), "arm64": self.make("arm:1", "LABEL arch=arm64")}
        self.assertNotEqual(ids["amd64"], ids["arm64"])
        entries = []
        for architecture, image in (("amd64", "amd:1"), ("arm64", "arm:1")):
            self.publish(image, f"multi:{architecture}", "--format", "oci")
            data = self.manifest_bytes("multi", architecture)
            entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": len(data),
                            "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
                            "platform": {"os": "linux", "architecture": architecture}})
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
        put = urllib.request.Request(f"http://{self.registry.host}/v2/multi/manifests/1", method="PUT",
                                     data=json.dumps(index).encode(), headers={"Content-Type": index["mediaType"]})
        urllib.request.urlopen(put, timeout=10).close()
        name = f"{self.registry.host}/multi:1"
        own = subprocess.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        berth = self.fresh()
        berth("image", "pull", name, check=0)
        self.assertIn(ids[own][7:19], berth("image", "ls", "-q", check=0).out)
        refused = berth("image", "pull", "--platform", "linux/s390x", name, check=1)
        self.assertIn("linux/amd64", refused.err)
        self.assertIn("linux/arm64", refused.err)

    def test_two_pulls_at_once_share_the_work(self):
        image = self.publish_fresh("shared")
        berth = self.fresh()
        before = len(self.registry.requests())
        pulls = [subprocess.Popen([BERTH, "image", "pull", "-q", image], env=berth.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) for _ in range(3)]
        for pull in pulls:
            out, err = pull.communicate(timeout=60)
            self.assertEqual((pull.returncode, out), (0, image + "\n"), err)
        layers = {layer["digest"] for layer in json.loads(self.manifest_bytes(*image.split("/")[1].split(":")))["layers"]}
        fetched = [request for request in self.registry.requests()[before:] if request.startswith("GET")
                   and request.rsplit("/", 1)[1] in layers]
        self.assertEqual(len(fetched), len(layers), fetched)

    def publish_fresh(self, name, size=30_000_000):
        """An image with a layer of random bytes, which take a while."""
        root = os.path.join(self.maker.home, "rootfs-" + name)
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, "data"), "wb") as file:
            file.write(os.urandom(size))
        tar = root + ".tar"
        subprocess.run(["tar", "-C", root, "-cf", tar, "."], check=True)
        self.maker("import", tar, f"{name}:1", check=0)
        return self.publish(f"{name}:1", f"{name}:1")

    def test_layers_on_a_terminal_change_in_place(self):
        image = self.publish_fresh("watched")
        berth = self.fresh()
        with Terminal([BERTH, "image", "pull", image], berth.home, berth.environment) as terminal:
            terminal.wait_for(image + "\r\n")
        self.assertIn("\033[1A", terminal.text)
        self.assertRegex(terminal.text, r"Downloading \[=*>? *\] [0-9.]+MB/[0-9.]+MB")
        self.assert_in_order(terminal.text, ": Pull complete", "Digest: ", "Status: Downloaded")
        self.assertNotIn("Pull complete", terminal.text[terminal.text.index("Digest: "):])

    def test_a_stacks_pull_on_a_terminal_shows_bytes_and_their_rate(self):
        image = self.publish_fresh("lively", 60_000_000)
        berth = self.fresh()
        with Terminal([BERTH, "pull"], self.stack_of(berth, image), berth.environment) as terminal:
            self.assertEqual(0, terminal.wait_exit(), terminal.text)
        self.assertRegex(terminal.plain, r"Downloading \[=*>? *\] [0-9.]+MB/[0-9.]+MB")
        self.assertRegex(terminal.plain, r"[0-9.]+[kMG]?B/s")
        shown = Window(terminal.text).text
        self.assertIn("Pulled", shown)
        self.assertNotIn("B/s", shown, "what was on its way is not left standing")

    def test_ctrl_c_leaves_nothing(self):
        image = self.publish_fresh("interrupted")
        berth = self.fresh()
        pull = subprocess.Popen([BERTH, "image", "pull", image], env=berth.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        wait_until("a layer is on its way", lambda: self.temporaries(berth) or pull.poll() is not None)
        pull.send_signal(signal.SIGINT)
        pull.communicate(timeout=60)
        self.assertEqual(pull.returncode, 130)
        self.assertEqual(self.temporaries(berth), [])
        self.assertEqual(berth("image", "ls", "-q", check=0).out, "")

    def test_kill_leaves_nothing_that_the_next_pull_does_not_repair(self):
        image = self.publish_fresh("killed")
        berth = self.fresh()
        for moment in range(6):
            pull = subprocess.Popen([BERTH, "image", "pull", image], env=berth.environment, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            try:
                pull.wait(0.02 + 0.04 * moment)
            except subprocess.TimeoutExpired:
                pull.kill()
                pull.wait()
        berth("image", "pull", image, check=0)
        self.assertEqual(self.temporaries(berth), [])
        self.assertIn(image.split(":")[0], berth("image", "ls", check=0).out)


class ProjectPull(RegistryCase):
    COMPOSE = """\
        services:
          web:
            image: {app}
            command: [sleep, infinity]
            init: true
            {more}
        """

    def project(self, more="", app=None):
        return self.stack(self.COMPOSE.format(app=app or self.app, more=more))

    def setUp(self):
        self.berth("rmi", self.app)

    def test_up_pulls_what_is_missing(self):
        stack = self.project()
        up = stack.up()
        self.assert_in_order(up.err, f"Image {self.app}  Pulling", f"Image {self.app}  Pulled", "Started")
        self.assertNotIn("Pulling", stack.up().err)

    def test_never_means_never(self):
        stack = self.project("pull_policy: never")
        refused = stack("up", "-d", check=1)
        self.assertIn(self.app, refused.err)
        stack = self.project()
        self.assertIn(self.app, stack("up", "-d", "--pull", "never", check=1).err)

    def test_quiet_pull(self):
        self.assertNotIn("Pulling", self.project()("up", "-d", "--quiet-pull", check=0).err)

    def test_a_newer_image_makes_the_container_anew(self):
        moving = self.publish("busybox:1", "moving:1")
        stack = self.project("pull_policy: always", moving)
        stack.up()
        first = stack.ps()["web"]["ID"]
        stack.up()
        self.assertEqual(stack.ps()["web"]["ID"], first)
        self.make("newer:1", "ENV PATH=/bin", "ENV GENERATION=2")
        self.publish("newer:1", "moving:1")
        stack.up()
        self.assertNotEqual(stack.ps()["web"]["ID"], first)
        self.assertEqual(stack.sh("web", "echo $GENERATION"), "2")

    def test_every_is_as_good_as_its_time(self):
        stack = self.project("pull_policy: every_1h")
        self.assertIn("Pulling", stack.up().err)
        self.assertNotIn("Pulling", stack.up().err)
        stack.write(self.COMPOSE.format(app=self.app, more="pull_policy: every_0s"))
        self.assertIn("Pulling", stack.up().err)

    def test_pull_of_a_project(self):
        stack = self.stack(f"""\
            services:
              a: {{image: "{self.app}"}}
              b: {{image: "{self.app}", pull_policy: never}}
              c: {{image: "{self.registry.host}/nosuch:1"}}
            """)
        pulled = stack("pull", check=1)
        self.assertIn(f"Image {self.app}  Pulled", pulled.err)
        self.assertIn("b  Skipped", pulled.err)
        self.assertIn(f"Image {self.registry.host}/nosuch:1  Error", pulled.err)
        self.assertIn("nosuch", pulled.err.splitlines()[-1] + pulled.err.splitlines()[-2])
        stack("pull", "--ignore-pull-failures", check=0)
        self.assertEqual(stack("pull", "-q", "a", check=0).err, "")
        self.assertIn("no such service", stack("pull", "wbe", check=1).err)

    def test_progress_as_json(self):
        stack = self.project()
        lines = [json.loads(line) for line in stack("--progress", "json", "pull", check=0).err.splitlines()]
        self.assertEqual([line["text"] for line in lines if line["id"] == f"Image {self.app}"], ["Pulling", "Pulled"])
        layers = [line for line in lines if line.get("parent_id") == f"Image {self.app}"]
        self.assertTrue(layers)
        self.assertEqual(layers[-1]["status"], "Done")


class Push(RegistryCase):
    def test_what_is_pushed_can_be_read_by_others(self):
        self.berth.import_busybox()
        name = f"{self.registry.host}/pushed:1"
        self.berth("tag", "busybox:1", name, check=0)
        pushed = self.berth("image", "push", name, check=0)
        self.assert_in_order(pushed.out, f"The push refers to repository [{self.registry.host}/pushed]", ": Pushed",
                             "1: digest: sha256:")
        inspected = json.loads(subprocess.run(["skopeo", "inspect", "--tls-verify=false", f"docker://{name}"], check=True,
                                              stdout=subprocess.PIPE).stdout)
        self.assertIn(f"1: digest: {inspected['Digest']} size: ", pushed.out)
        manifest = self.registry.get("pushed/manifests/1")
        self.assertTrue(manifest["layers"][0]["mediaType"].endswith("gzip"))
        again = self.berth("image", "push", name, check=0)
        self.assertNotIn(": Pushed", again.out.replace("Pushing", ""))
        self.assertIn("Layer already exists", again.out)
        # The same image id comes back, although its layer travelled compressed.
        other = Berth()
        self.addCleanup(other.discard)
        other("image", "pull", name, check=0)
        self.assertEqual(other("image", "ls", "-q", check=0).out, self.berth("image", "ls", "-q", check=0).out.splitlines()[0] + "\n")

    def test_what_is_not_there_cannot_be_pushed(self):
        refused = self.berth("image", "push", f"{self.registry.host}/nosuch:1", check=1)
        self.assertIn("nosuch:1", refused.err)
