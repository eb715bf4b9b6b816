"""A real registry (Debian's docker-registry) on loopback, and images in it."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import textwrap
import time
import urllib.error
import urllib.request

import host


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Registry:
    """Runs until stop(). `http` and `auth` are further YAML of the registry's configuration: TLS, htpasswd, token (see
    registry_guards.py). Two with the same `storage` serve the same images."""

    def __init__(self, http="", auth="", storage=None):
        self.home = tempfile.mkdtemp(prefix="berth-registry-")
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.storage = storage or os.path.join(self.home, "storage")
        config = os.path.join(self.home, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(f"""\
                version: 0.1
                log: {{level: info}}
                storage:
                  filesystem: {{rootdirectory: {self.storage}}}
                  delete: {{enabled: true}}
                http:
                  addr: {self.host}
                """))
            file.write(textwrap.indent(textwrap.dedent(http), "  "))
            file.write(textwrap.dedent(auth))
        self.log = os.path.join(self.home, "log")
        with open(self.log, "w", encoding="utf-8") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 20 * host.PATIENCE
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        raise AssertionError("the registry does not come up:\n" + self.log_text())

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def requests(self):
        """`METHOD path` of every request so far, in their order."""
        found = []
        for line in self.log_text().splitlines():
            if " \"GET /" in line or " \"HEAD /" in line or " \"PUT /" in line or " \"POST /" in line or " \"PATCH /" in line:
                found.append(line.split('"')[1].rsplit(" ", 1)[0])
        return found

    def get(self, path, accept="application/vnd.oci.image.manifest.v1+json"):
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def has(self, path):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://{self.host}/v2/{path}", method="HEAD"), timeout=10):
                return True
        except urllib.error.HTTPError:
            return False

    def push(self, source, name, *options):
        """What skopeo can read (oci:DIR:TAG, docker-archive:FILE) goes to NAME of this registry."""
        subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", "--insecure-policy", *options, source,
                        f"docker://{self.host}/{name}"], check=True, stdin=subprocess.DEVNULL)
        return f"{self.host}/{name}"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
