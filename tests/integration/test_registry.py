"""The registry client against real registries, and against what may happen to it on the way."""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess

import host
from bad_proxy import answer, corrupt, cut, header, ignore_range, redirect, stall
from harness import BERTH, Outcome, wait_until
from registry_case import USERS, RegistryCase, basic
from registry_guards import Authority, TokenServer, password_auth, run, tls, token_auth


class Registries(RegistryCase):
    def test_a_plain_registry(self):
        app = f"{self.plain.host}/lib/app"
        self.assertEqual(f"application/vnd.oci.image.manifest.v1+json {self.digest} {len(self.manifest)}",
                         self.probe("manifest", app + ":1"))
        self.assertEqual(self.digest, self.probe("digest", app + ":1"))
        self.assertEqual(self.digest, self.probe("digest", f"{app}@{self.digest}"))
        self.assert_whole(self.plain.host)
        self.assertIn("404 Not Found: manifest unknown", self.probe("manifest", app + ":2", fails=True))

    def test_push_by_upload_and_by_mount(self):
        file = os.path.join(self.settings, "blob")
        with open(file, "wb") as stream:
            stream.write(os.urandom(3_000_000))
        with open(file, "rb") as stream:
            digest = "sha256:" + hashlib.sha256(stream.read()).hexdigest()
        first, second = (f"{self.plain.host}/push/{name}" for name in ("first", "second"))
        self.assertEqual("no", self.probe("has-blob", first, digest))
        self.assertEqual("sent 3000000", self.probe("put-blob", first, digest, file))
        self.assertEqual("yes", self.probe("has-blob", first, digest))
        self.assertEqual("mounted 0", self.probe("put-blob", second, digest, file, "push/first"))
        for blob in (json.loads(self.manifest)["config"]["digest"], self.layer):
            self.assertEqual("mounted 0", self.probe("put-blob", first, blob, file, "lib/app"))
        manifest = os.path.join(self.settings, "manifest")
        with open(manifest, "wb") as stream:
            stream.write(self.manifest)
        self.probe("put-manifest", first + ":9", "application/vnd.oci.image.manifest.v1+json", manifest)
        self.assertEqual(self.digest, self.probe("digest", first + ":9"))
        run("skopeo", "inspect", "--tls-verify=false", f"docker://{first}:9")

    def test_tls_by_an_authority_of_its_own(self):
        registry = self.registry(http=tls(self.authority.issue("server")))
        address = f"{Authority.NAME}:{registry.port}"
        refusal = self.blob(address, fails=True)
        self.assertIn("certificate", refusal)
        self.assertIn(f"hint: the certificate of its own authority belongs into /etc/berth/certs.d/{address}/ca.crt", refusal)
        shutil.copy(self.authority.path("ca.crt"), self.certificates(address))
        self.assert_whole(address)

    def test_tls_that_asks_for_our_certificate(self):
        registry = self.registry(http=tls(self.authority.issue("server2"), self.authority.path("ca.crt")))
        address = f"{Authority.NAME}:{registry.port}"
        folder = self.certificates(address)
        shutil.copy(self.authority.path("ca.crt"), folder)
        self.blob(address, fails=True)
        certificate, key = self.authority.issue("client")
        shutil.copy(certificate, os.path.join(folder, "client.cert"))
        self.assertIn("expected its key client.key", self.blob(address, fails=True))
        shutil.copy(key, os.path.join(folder, "client.key"))
        self.assert_whole(address)

    def test_insecure_where_it_says_so(self):
        registry = self.registry(http=tls(self.authority.issue("server3")))
        address, plain = f"{Authority.NAME}:{registry.port}", f"{Authority.NAME}:{self.plain.port}"
        self.assert_whole(registry.host)  # loopback is insecure by itself
        self.assertIn("insecure = true", self.blob(plain, fails=True))
        self.conf(f'[[registry]]\nlocation = "{Authority.NAME}:{registry.port}"\ninsecure = true\n'
                  f'[[registry]]\nlocation = "{plain}"\ninsecure = true\n')
        self.assert_whole(address)
        self.assert_whole(plain)

    def test_passwords(self):
        registry = self.registry(auth=password_auth(os.path.join(self.settings, "htpasswd"), USERS))
        refusal = self.blob(registry.host, fails=True)
        self.assertIn("401 Unauthorized", refusal)
        self.assertIn(f"berth login {registry.host}", refusal)
        self.login(registry.host, auth=basic("ann"))
        self.assert_whole(registry.host)
        self.assertEqual("mounted 0", self.probe("put-blob", f"{registry.host}/lib/new", self.layer, "/dev/null", "lib/app"))
        self.login(registry.host, auth=base64.b64encode(b"ann:wrong").decode())
        refusal = self.blob(registry.host, fails=True)
        self.assertIn("ann is not let in", refusal)
        self.assertNotIn("wrong", refusal)

    def test_blocked(self):
        self.conf(f'[[registry]]\nlocation = "{self.plain.host}/lib"\nblocked = true\n')
        self.assertIn("registries.conf:1:1", self.blob(self.plain.host, fails=True))


class Tokens(RegistryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = TokenServer(cls.authority, USERS)
        cls.addClassCleanup(cls.service.close)
        cls.guarded = cls.registry(auth=token_auth(cls.service))

    def setUp(self):
        super().setUp()
        self.service.requests.clear()

    def test_anonymous_pull(self):
        self.assert_whole(self.guarded.host)
        ((method, fields, headers),) = self.service.requests
        self.assertEqual(("GET", ["repository:lib/app:pull"], [TokenServer.SERVICE]), (method, fields["scope"], fields["service"]))
        self.assertNotIn("Authorization", headers)

    def test_push_needs_a_login(self):
        file = os.path.join(self.settings, "blob")
        with open(file, "wb") as stream:
            stream.write(b"some content")
        digest = "sha256:" + hashlib.sha256(b"some content").hexdigest()
        refusal = self.probe("put-blob", f"{self.guarded.host}/lib/new", digest, file, "lib/app", fails=True)
        self.assertIn("berth login", refusal)
        self.login(self.guarded.host, auth=basic("ann"))
        self.assertEqual("sent 12", self.probe("put-blob", f"{self.guarded.host}/lib/new", digest, file, "lib/app"))
        self.assertEqual({"repository:lib/app:pull", "repository:lib/new:pull,push"}, set(self.service.requests[-1][1]["scope"]))

    def test_wrong_password(self):
        self.login(self.guarded.host, auth=base64.b64encode(b"ann:wrong").decode())
        refusal = self.blob(self.guarded.host, fails=True)
        self.assertIn("incorrect username or password", refusal)
        self.assertNotIn("wrong", refusal)

    def test_identity_token(self):
        self.login(self.guarded.host, auth="", identitytoken="an-identity-token")
        self.assert_whole(self.guarded.host)
        self.assertEqual("POST", self.service.requests[-1][0])
        self.login(self.guarded.host, auth="", identitytoken="another")
        refusal = self.blob(self.guarded.host, fails=True)
        self.assertIn("not a token of ours", refusal)
        self.assertNotIn("another", refusal)

    def test_a_token_that_expires_on_the_way_is_replaced(self):
        proxy = self.proxy(self.guarded)
        challenge = f'Bearer realm="{self.service.url}",service="{TokenServer.SERVICE}",scope="repository:lib/app:pull",error="invalid_token"'
        # The first is the registry's own challenge; then the download breaks, and the token is not good any more.
        proxy.harm("/blobs/", header("X-Nothing", "1"), cut(1000), answer(401, [("WWW-Authenticate", challenge)]))
        self.assert_whole(proxy.host)
        self.assertEqual(2, len(self.service.requests))
        self.assertEqual(1, len(self.notes), self.notes)

    def test_a_token_that_is_never_good_is_not_asked_for_again_and_again(self):
        proxy = self.proxy(self.guarded)
        proxy.harm("/blobs/", answer(401, [("WWW-Authenticate", f'Bearer realm="{self.service.url}"')]), always=True)
        self.assertIn("401 Unauthorized", self.blob(proxy.host, fails=True))
        self.assertEqual(1, len(self.service.requests))

    def test_a_login_is_not_sent_to_a_token_service_in_the_clear(self):
        certificate = self.authority.issue("tls-proxy")
        proxy = self.proxy(self.guarded, certificate=certificate)
        address = f"{Authority.NAME}:{proxy.port}"
        shutil.copy(self.authority.path("ca.crt"), self.certificates(address))
        self.login(address, auth=basic("ann"))
        self.assertIn("not encrypted", self.blob(address, fails=True))
        self.assertEqual([], self.service.requests)


class BadNeighbours(RegistryCase):
    """What proxies, load balancers and overloaded registries do."""

    def test_a_download_that_breaks_goes_on_where_it_stopped(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/", cut(self.size // 16), always=True)
        self.assert_whole(proxy.host)
        starts = [int(re.match(r"bytes=(\d+)-$", headers.get("Range", "bytes=0-"))[1]) for headers in proxy.seen("/blobs/")]
        self.assertGreaterEqual(len(starts), 16)
        self.assertEqual(sorted(set(starts)), starts, "each byte once")

    def test_a_server_without_ranges_sends_again_what_is_skipped(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/", cut(5000), ignore_range)
        self.assert_whole(proxy.host)
        self.assertEqual(2, len(proxy.seen("/blobs/")))

    def test_a_range_that_was_not_asked_for_is_refused(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/", cut(5000), header("Content-Range", f"bytes 0-{self.size - 1}/{self.size}"))
        self.assertIn('asked for bytes from 5000 on, got "bytes 0-', self.blob(proxy.host, fails=True))

    def test_a_stalled_download_is_taken_up_again(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/", stall(5000))
        self.assert_whole(proxy.host)

    def test_overload_is_waited_for(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/", answer(503), answer(429, [("Retry-After", "0")]), answer(500), cut(1000), answer(502))
        self.assert_whole(proxy.host)
        self.assertEqual(5, len(self.notes), self.notes)
        proxy.harm("/manifests/", answer(500), cut(10))
        self.probe("manifest", f"{proxy.host}/lib/app:1")

    def test_it_gives_up_after_five_tries_or_when_the_wait_is_too_long(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/manifests/", answer(503, body=b"busy"), always=True)
        self.assertIn("503 Service Unavailable", self.probe("manifest", f"{proxy.host}/lib/app:1", fails=True))
        self.assertEqual(5, len(proxy.seen("/manifests/")))
        proxy.heal()
        proxy.harm("/blobs/", answer(429, [("Retry-After", "3600")]))
        self.assertIn("429 Too Many Requests", self.blob(proxy.host, fails=True))
        self.assertEqual(1, len(proxy.seen("/blobs/")))

    def test_wrong_bytes_in_a_manifest(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/manifests/", corrupt(20))
        self.probe("manifest", f"{proxy.host}/lib/app:1")
        proxy.harm("/manifests/", corrupt(20), always=True)
        refusal = self.probe("manifest", f"{proxy.host}/lib/app@{self.digest}", fails=True)
        self.assertIn(f"expected {self.digest}, found sha256:", refusal)

    def test_more_bytes_than_the_manifest_says(self):
        self.assertIn("longer than the 100 bytes", self.probe("blob", f"{self.plain.host}/lib/app", self.layer, 100, fails=True))

    def test_fewer_bytes_than_the_manifest_says(self):
        refusal = self.probe("blob", f"{self.plain.host}/lib/app", self.layer, self.size + 1, fails=True)
        self.assertIn(self.layer, refusal)

    def test_a_registry_that_does_not_tell_the_digest(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/manifests/", header("Docker-Content-Digest", ""), always=True)
        self.assertEqual(self.digest, self.probe("digest", f"{proxy.host}/lib/app:1"))
        self.assertEqual(1, len(proxy.seen("/manifests/", "GET")))

    def test_mirrors_come_first_and_are_passed_over(self):
        mirror, registry = self.proxy(self.plain), self.proxy(self.plain)
        self.conf(f'[[registry]]\nprefix = "docker.io"\nlocation = "{registry.host}"\n'
                  '[[registry.mirror]]\nlocation = "127.0.0.1:1"\n'
                  f'[[registry.mirror]]\nlocation = "{mirror.host}/lib"\n')
        self.probe("manifest", "docker.io/app/x:1", fails=True)
        self.assertTrue(mirror.seen("/v2/lib/app/x/manifests/1"))
        self.assertTrue(registry.seen("/v2/app/x/manifests/1"))
        mirror.harm("/blobs/", cut(5000), answer(500), answer(500))
        self.conf(f'[[registry]]\nprefix = "docker.io"\nlocation = "{registry.host}"\n'
                  f'[[registry.mirror]]\nlocation = "{mirror.host}"\n')
        self.assert_whole("docker.io")
        self.assertEqual(["bytes=5000-"], [headers.get("Range") for headers in registry.seen("/blobs/")])

    def test_image_pull_goes_on_where_it_broke_off(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/" + self.layer, cut(self.size // 4), cut(self.size // 4), answer(503, [("Retry-After", "0")]))
        self.assertEqual(f"{proxy.host}/lib/app:1", self.pull(proxy, check=0).out.strip())
        self.assertEqual(4, len(proxy.seen("/blobs/" + self.layer)))

    def test_image_pull_is_interrupted_while_nothing_comes(self):
        proxy = self.proxy(self.plain)
        for path, harm in (("/manifests/", stall(0)), ("/blobs/" + self.layer, stall(1000)), ("/blobs/", answer(503, [("Retry-After", "60")]))):
            proxy.heal()
            proxy.harm(path, harm, always=True)
            before = len(proxy.seen(path))
            with subprocess.Popen([BERTH, "image", "pull", f"{proxy.host}/lib/app:1"], env=self.environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    wait_until("it has asked", lambda path=path, before=before: len(proxy.seen(path)) > before)
                    process.send_signal(signal.SIGINT)
                    self.assertEqual(130, process.wait(20 * host.PATIENCE))
                finally:
                    process.kill()

    def test_image_pull_keeps_nothing_of_wrong_bytes(self):
        proxy = self.proxy(self.plain)
        proxy.harm("/blobs/" + self.layer, cut(1000), corrupt(2000))
        refused = self.pull(proxy, check=1)
        self.assertIn(self.layer, refused.err)
        self.assertNotIn(proxy.host, self.berth("image", "ls", check=0).out)
        proxy.heal()
        self.pull(proxy, check=0)

    def pull(self, proxy, check):
        done = subprocess.run([BERTH, "image", "pull", "-q", f"{proxy.host}/lib/app:1"], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60 * host.PATIENCE, check=False)
        self.assertEqual(check, done.returncode, done.stdout + done.stderr)
        if check == 0:
            self.addCleanup(self.berth, "rmi", f"{proxy.host}/lib/app:1", check=0)
        return Outcome(["berth", "image", "pull"], done.returncode, done.stdout, done.stderr)

    def test_uploads_are_begun_anew(self):
        proxy = self.proxy(self.plain)
        file = os.path.join(self.settings, "blob")
        content = os.urandom(100_000)
        with open(file, "wb") as stream:
            stream.write(content)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        proxy.harm("digest=", answer(502))
        self.assertEqual("sent 100000", self.probe("put-blob", f"{proxy.host}/push/again", digest, file))
        self.assertEqual(2, len(proxy.seen("uploads/$", "POST")))


class Redirects(RegistryCase):
    def setUp(self):
        super().setUp()
        self.guarded = self.registry(auth=password_auth(os.path.join(self.settings, "htpasswd"), USERS))
        self.first, self.second = self.proxy(self.guarded), self.proxy(self.plain)
        self.login(self.first.host, auth=basic("ann"))

    def test_blobs_may_come_from_elsewhere_but_the_login_goes_nowhere(self):
        place = f"http://{self.second.host}/v2/lib/app/blobs/{self.layer}"
        self.first.harm("/blobs/", header("X-Nothing", "1"), redirect(place), redirect(place))
        self.second.harm("/blobs/", cut(1000))
        self.assert_whole(self.first.host)
        self.assertTrue(all("Authorization" not in headers for headers in self.second.seen("/blobs/")))
        self.assertEqual("bytes=1000-", self.second.seen("/blobs/")[1]["Range"])

    def test_the_login_stays_with_relative_redirects(self):
        self.first.harm("/blobs/", header("X-Nothing", "1"), redirect(f"/v2/lib/app/blobs/{self.layer}?again"))
        self.assert_whole(self.first.host)
        self.assertIn("Authorization", self.first.seen("again")[0])

    def test_a_host_that_was_redirected_to_gets_no_login_by_asking(self):
        self.first.harm("/blobs/", header("X-Nothing", "1"), redirect(f"http://{self.second.host}/x"))
        self.second.harm("/x", answer(401, [("WWW-Authenticate", 'Basic realm="give"')]), always=True)
        self.assertIn("401", self.blob(self.first.host, fails=True))
        self.assertEqual(1, len(self.second.seen("/x")))
        self.assertNotIn("Authorization", self.second.seen("/x")[0])

    def test_circles_and_other_schemes_end(self):
        self.first.harm("/blobs/", redirect("/v2/lib/app/blobs/round"), always=True)
        self.assertIn("more than 10 redirects", self.blob(self.first.host, fails=True))
        self.first.heal()
        self.first.harm("/blobs/", redirect("file:///etc/passwd"))
        self.assertIn("redirect", self.blob(self.first.host, fails=True))

    def test_https_does_not_lead_to_http(self):
        proxy = self.proxy(self.plain, certificate=self.authority.issue("redirecting"))
        address = f"{Authority.NAME}:{proxy.port}"
        shutil.copy(self.authority.path("ca.crt"), self.certificates(address))
        proxy.harm("/blobs/", redirect(f"http://{self.second.host}/v2/lib/app/blobs/{self.layer}"))
        self.assertIn("redirects from https to http://", self.blob(address, fails=True))
        self.assertEqual([], self.second.requests)
