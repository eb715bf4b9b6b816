"""What the tests of registries share: images that registries of all kinds serve, and settings of the user's own."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import host
from bad_proxy import BadProxy
from harness import BERTH, Case
from registries import Registry
from registry_guards import Authority, run

PROBE = os.path.join(os.path.dirname(BERTH), "tests", "registry_probe")
USERS = {"ann": "ann's password"}


class RegistryCase(Case):
    """A store of images that registries of all kinds serve, and the probe: the client as a command."""

    images = staticmethod(lambda berth: None)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = tempfile.mkdtemp(prefix="berth-it-registry-")
        cls.addClassCleanup(shutil.rmtree, cls.work, ignore_errors=True)
        cls.storage = os.path.join(cls.work, "storage")
        cls.authority = Authority(os.path.join(cls.work, "authority"))
        cls.plain = cls.registry()
        layout = os.path.join(cls.work, "layout")
        content = os.path.join(cls.work, "content")
        with open(content, "wb") as file:
            file.write(os.urandom(400_000))
        run("umoci", "init", "--layout", layout)
        run("umoci", "new", "--image", layout + ":one")
        run("umoci", "insert", "--image", layout + ":one", content, "/content")
        cls.plain.push(f"oci:{layout}:one", "lib/app:1")
        cls.manifest = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{cls.plain.host}/lib/app:1")
        cls.digest = "sha256:" + hashlib.sha256(cls.manifest).hexdigest()
        layer = json.loads(cls.manifest)["layers"][0]
        cls.layer, cls.size = layer["digest"], layer["size"]

    @classmethod
    def tearDownClass(cls):
        cls.doClassCleanups()  # the registries are no leftovers
        super().tearDownClass()

    @classmethod
    def registry(cls, **options):
        registry = Registry(storage=cls.storage, **options)
        cls.addClassCleanup(registry.stop)
        return registry

    def setUp(self):
        self.settings = os.path.join(self.work, self._testMethodName)
        os.makedirs(self.settings)
        self.conf("")
        self.environment = {**self.berth.environment, "DOCKER_CONFIG": self.settings,
                            "BERTH_REGISTRIES_CONF": os.path.join(self.settings, "registries.conf")}

    def conf(self, text):
        with open(os.path.join(self.settings, "registries.conf"), "w", encoding="utf-8") as file:
            file.write(text)

    def login(self, address, **entry):
        """What `login` would have stored."""
        with open(os.path.join(self.settings, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"auths": {address: entry}}, file)

    def certificates(self, address):
        folder = os.path.join(self.settings, "certs.d", address)
        os.makedirs(folder, exist_ok=True)
        return folder

    def proxy(self, upstream, **options):
        proxy = BadProxy(upstream.host, **options)
        self.addCleanup(proxy.close)
        return proxy

    def probe(self, *arguments, fails=False):
        """stdout, or stderr where it has to fail."""
        done = subprocess.run([PROBE, *map(str, arguments)], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60 * host.PATIENCE, check=False)
        self.assertEqual(1 if fails else 0, done.returncode, done.stdout + done.stderr)
        self.notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
        return done.stderr if fails else done.stdout.strip()

    def blob(self, address, **options):
        return self.probe("blob", f"{address}/lib/app", self.layer, self.size, **options)

    def assert_whole(self, address):
        self.assertEqual(self.layer, self.blob(address))


def basic(user):
    return base64.b64encode(f"{user}:{USERS[user]}".encode()).decode()
