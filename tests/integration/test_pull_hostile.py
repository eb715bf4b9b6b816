"""`image pull` from a registry that means harm: what it may make berth do, and what it may not."""

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading

from harness import BERTH, Berth, Case

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ENDLESS = object()


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(name="file", content=b"content"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class Server:
    """Answers as the test says: `answers[path]` is bytes, or (status, headers, body). Remembers requests with their headers."""

    def __init__(self):
        self.answers, self.seen, server = {}, [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                server.seen.append((self.path, dict(self.headers)))
                answer = server.answers.get(self.path, (404, {}, b"{}"))
                status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if body is ENDLESS:
                    self.end_headers()
                    self.close_connection = True
                    try:
                        while True:
                            self.wfile.write(b" " * 65536)
                    except OSError:
                        return
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.host = f"127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def offer(self, blob, *, config=None, layers=None, manifest=None, headers=None):
        """app:1 with one layer, sound unless told otherwise."""
        config = config or json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                                       "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(blob))]}}).encode()
        layers = layers or [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest_of(blob), "size": len(blob)}]
        manifest = manifest or {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers, "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config), "size": len(config)}}
        data = json.dumps(manifest).encode()
        self.answers["/v2/app/manifests/1"] = (200, {"Content-Type": MANIFEST, **(headers or {})}, data)
        self.answers["/v2/app/blobs/" + digest_of(config)] = config
        self.answers["/v2/app/blobs/" + digest_of(blob)] = blob


class HostileRegistry(Case):
    images = staticmethod(lambda berth: None)

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.root = Berth()
        self.addCleanup(self.root.discard)
        self.good = gzip.compress(layer())

    def pull(self, check):
        return self.root("image", "pull", self.server.host + "/app:1", check=check)

    def assert_refused(self, *words):
        refused = self.pull(1)
        for word in words:
            self.assertIn(word, refused.err)
        self.assertEqual(self.root("image", "ls", "-q", check=0).out, "")
        left = [name for folder in ("blobs/sha256", "layers") for name in os.listdir(f"{self.root.root}/images/{folder}")
                if name.startswith(".tmp-") or folder == "layers"]
        self.assertEqual(left, [])
        return refused

    def test_the_sound_image_comes(self):
        self.server.offer(self.good)
        self.pull(0)

    def test_a_layer_may_be_plain(self):
        plain = layer()
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(plain)]}}).encode()
        self.server.offer(plain, config=config, layers=[{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                                                         "digest": digest_of(plain), "size": len(plain)}])
        self.pull(0)

    def test_wrong_bytes_are_named_and_not_kept(self):
        other = gzip.compress(layer(content=b"tampered"))
        self.server.offer(self.good)
        self.server.answers["/v2/app/blobs/" + digest_of(self.good)] = other
        blob = digest_of(self.good)
        self.server.offer(self.good, layers=[{"mediaType": "x", "digest": blob, "size": len(other)}])
        self.server.answers["/v2/app/blobs/" + blob] = other
        self.assert_refused(blob[7:19])

    def test_a_layer_that_is_not_what_the_config_says(self):
        config = json.dumps({"architecture": "amd64", "os": "linux",
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]}}).encode()
        self.server.offer(self.good, config=config)
        self.assert_refused("1" * 12)

    def test_a_layer_cut_short_and_one_too_long(self):
        cut = self.good[:-10]
        self.server.offer(self.good, layers=[{"mediaType": "x", "digest": digest_of(cut), "size": len(cut)}])
        self.server.answers["/v2/app/blobs/" + digest_of(cut)] = cut
        self.assert_refused(digest_of(cut)[7:19])
        self.server.offer(self.good, layers=[{"mediaType": "x", "digest": digest_of(self.good), "size": len(self.good) - 5}])
        self.assert_refused(str(len(self.good) - 5))

    def test_a_digest_that_is_a_path(self):
        self.server.offer(self.good, layers=[{"mediaType": "x", "digest": "sha256:../../../etc/passwd", "size": 1}])
        self.assert_refused("../../../etc/passwd")

    def test_a_document_that_is_both_manifest_and_index(self):
        self.server.offer(self.good)
        status, headers, data = self.server.answers["/v2/app/manifests/1"]
        both = {**json.loads(data), "manifests": []}
        self.server.answers["/v2/app/manifests/1"] = (status, headers, json.dumps(both).encode())
        self.assert_refused("manifests")

    def test_endless_answers_are_cut_off(self):
        for status in (200, 404):
            with self.subTest(status):
                self.server.answers["/v2/app/manifests/1"] = (status, {"Content-Type": MANIFEST}, ENDLESS)
                self.assert_refused("app:1")
        self.server.offer(self.good)
        self.server.answers["/v2/app/blobs/" + digest_of(self.good)] = (200, {}, ENDLESS)
        self.assert_refused(digest_of(self.good)[7:19])

    def test_foreign_urls_are_not_visited(self):
        foreign = Server()
        self.addCleanup(foreign.stop)
        self.server.offer(self.good, layers=[{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                                              "digest": digest_of(self.good), "size": len(self.good),
                                              "urls": [f"http://{foreign.host}/layer"]}])
        self.pull(0)
        self.assertEqual(foreign.seen, [])

    def test_credentials_go_to_their_host_alone(self):
        elsewhere = Server()
        self.addCleanup(elsewhere.stop)
        os.makedirs(self.root.home + "/docker", exist_ok=True)
        secret = base64.b64encode(b"user:the-password").decode()
        with open(self.root.home + "/docker/config.json", "w", encoding="utf-8") as file:
            json.dump({"auths": {self.server.host: {"auth": secret}}}, file)
        self.root.environment["DOCKER_CONFIG"] = self.root.home + "/docker"
        self.server.offer(self.good)
        for path, answer in list(self.server.answers.items()):
            self.server.answers[path] = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"{}") if "manifests" in path else answer
        refused = self.assert_refused("401")
        self.assertNotIn("the-password", refused.err + refused.out)
        self.assertNotIn(secret, refused.err + refused.out)
        self.assertTrue(any(headers.get("Authorization") == "Basic " + secret for _, headers in self.server.seen))
        # Blobs that lie elsewhere.
        self.server.offer(self.good)
        blob = "/v2/app/blobs/" + digest_of(self.good)
        elsewhere.answers["/there"] = self.server.answers[blob]
        self.server.answers[blob] = (307, {"Location": f"http://{elsewhere.host}/there"}, b"")
        self.pull(0)
        self.assertEqual([path for path, _ in elsewhere.seen], ["/there"])
        self.assertNotIn("Authorization", elsewhere.seen[0][1])

    def test_control_characters_do_not_reach_the_terminal(self):
        self.server.answers["/v2/app/manifests/1"] = (400, {}, json.dumps(
            {"errors": [{"code": "X", "message": "\x1b[2Jgotcha"}]}).encode())
        refused = self.root("image", "pull", self.server.host + "/app:1", check=1, timeout=120)
        self.assertNotIn("\x1b", refused.err)

    def test_memory_stays_small(self):
        big = gzip.compress(layer(content=os.urandom(60_000_000)), 1)
        self.server.offer(big)
        # By way of a small process: what the parent had mapped at the fork counts as the child's.
        measure = "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)\n" \
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        used = subprocess.run([sys.executable, "-c", measure, BERTH, "image", "pull", "-q", self.server.host + "/app:1"],
                              env=self.root.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
        self.assertLess(int(used) << 10, 100 << 20)  # the larger of the fetching and the unpacking process
