"""`berth login` and `logout`: at real registries, into the files and helpers that Docker uses."""

import json
import os
import re
import shutil
import stat
import subprocess

import host
from harness import BERTH, Outcome
from registry_case import USERS, RegistryCase, basic
from registry_guards import Authority, TokenServer, password_auth, run, tls, token_auth
from terminal import Terminal

HELPER = """#!/bin/sh
shelf=$(dirname "$0")/shelf
case $1 in
store) cat > "$shelf" ;;
get) cat "$shelf" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm "$shelf" 2>/dev/null || { echo "the shelf is stuck"; exit 1; } ;;
esac
"""


class Login(RegistryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guarded = cls.registry(auth=password_auth(os.path.join(cls.work, "htpasswd"), USERS))

    def berth_(self, *arguments, stdin="", check=0):
        done = subprocess.run([BERTH, *arguments], env=self.environment, input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60 * host.PATIENCE, check=False)
        outcome = Outcome(["berth", *arguments], done.returncode, done.stdout, done.stderr)
        self.assertEqual(check, outcome.code, str(outcome))
        return outcome

    def stored(self):
        try:
            with open(os.path.join(self.settings, "config.json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def test_with_the_password_by_a_pipe(self):
        outcome = self.berth_("login", "-u", "ann", "--password-stdin", self.guarded.host, stdin=USERS["ann"] + "\n")
        self.assertEqual("Login Succeeded\n", outcome.out)
        config = os.path.join(self.settings, "config.json")
        self.assertIn(f"WARNING! Your password will be stored unencrypted in {config}.", outcome.err)
        self.assertEqual({"auths": {self.guarded.host: {"auth": basic("ann")}}}, self.stored())
        self.assertEqual(0o600, stat.S_IMODE(os.stat(config).st_mode))
        self.assertEqual("ann", run("skopeo", "login", "--get-login", "--authfile", config, self.guarded.host).decode().strip())
        self.assert_whole(self.guarded.host)
        self.berth_("image", "pull", "-q", f"{self.guarded.host}/lib/app:1")
        self.assertEqual("Authenticating with existing credentials...\nLogin Succeeded\n",
                         self.berth_("login", self.guarded.host).out)

    def test_with_the_password_on_the_command_line(self):
        outcome = self.berth_("login", "-u", "ann", "-p", USERS["ann"], f"http://{self.guarded.host}/v2/")
        self.assertIn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n", outcome.err)
        self.assertEqual([self.guarded.host], list(self.stored()["auths"]))

    def test_what_skopeo_has_stored_is_used(self):
        subprocess.run(["skopeo", "login", "--tls-verify=false", "-u", "ann", "--password-stdin",
                        "--authfile", os.path.join(self.settings, "config.json"), self.guarded.host], input=USERS["ann"], text=True,
                       check=True, stdout=subprocess.DEVNULL)
        self.assert_whole(self.guarded.host)
        self.berth_("logout", self.guarded.host)
        self.blob(self.guarded.host, fails=True)

    def test_a_wrong_password_stores_nothing_and_is_not_shown(self):
        outcome = self.berth_("login", "-u", "ann", "--password-stdin", self.guarded.host, stdin="wr0ng", check=1)
        self.assertIn("401 Unauthorized", outcome.err)
        self.assertNotIn("wr0ng", outcome.out + outcome.err)
        self.assertIsNone(self.stored())

    def test_what_cannot_be(self):
        for arguments, words in [(["-p", "x", "--password-stdin", "-u", "u"], "mutually exclusive"),
                                 (["--password-stdin"], "Must provide --username with --password-stdin"),
                                 ([], "non TTY device"), (["-u", "u"], "non TTY device")]:
            self.assertIn(words, self.berth_("login", *arguments, self.guarded.host, check=1).err)
        self.assertIn("expected the host of a registry", self.berth_("login", "-u", "u", "-p", "p", "a b", check=1).err)

    def test_on_a_terminal_it_asks_and_does_not_show_the_password(self):
        with Terminal([BERTH, "login", self.guarded.host], self.settings, self.environment) as terminal:
            terminal.wait_for("Username: ")
            terminal.type("ann\n")
            terminal.wait_for("Password: ")
            terminal.type(USERS["ann"] + "\n")
            self.assertEqual(0, terminal.wait_exit())
        self.assertIn("Login Succeeded", terminal.plain)
        self.assertNotIn(USERS["ann"], terminal.plain)
        with Terminal([BERTH, "login", "-u", "bob", self.guarded.host], self.settings, self.environment) as terminal:
            terminal.wait_for("Password: ")
            terminal.type("\x03")
            self.assertEqual(-2, terminal.wait_exit(), "as SIGINT ends a program")
        self.assertIn(self.guarded.host, self.stored()["auths"])

    def test_an_expired_login_is_asked_for_anew(self):
        self.login(self.guarded.host, auth=basic("ann")[:-8] + "eHh4eHg=")
        with Terminal([BERTH, "login", self.guarded.host], self.settings, self.environment) as terminal:
            terminal.wait_for("Login did not succeed, error: .*401")
            terminal.wait_for(r"Username \(ann\): ")
            terminal.type("\n")
            terminal.wait_for("Password: ")
            terminal.type(USERS["ann"] + "\n")
            self.assertEqual(0, terminal.wait_exit())
        self.assertEqual(basic("ann"), self.stored()["auths"][self.guarded.host]["auth"])

    def test_logout(self):
        with open(os.path.join(self.settings, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"currentContext": "x", "auths": {self.guarded.host: {"auth": basic("ann")}, "other": {"auth": "dTpw"},
                                                        "https://index.docker.io/v1/": {"auth": "dTpw"}}}, file)
        self.assertEqual(f"Removing login credentials for {self.guarded.host}\n", self.berth_("logout", self.guarded.host).out)
        self.assertEqual("Removing login credentials for https://index.docker.io/v1/\n", self.berth_("logout").out)
        self.assertEqual({"currentContext": "x", "auths": {"other": {"auth": "dTpw"}}}, self.stored())
        self.berth_("logout", self.guarded.host)

    def test_a_credential_helper_keeps_it(self):
        folder = os.path.join(self.settings, "bin")
        os.makedirs(folder)
        helper = os.path.join(folder, "docker-credential-shelf")
        with open(helper, "w", encoding="utf-8") as file:
            file.write(HELPER)
        os.chmod(helper, 0o755)
        with open(os.path.join(self.settings, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"credsStore": "shelf"}, file)
        self.environment["PATH"] = folder + ":" + os.environ["PATH"]
        outcome = self.berth_("login", "-u", "ann", "--password-stdin", self.guarded.host, stdin=USERS["ann"])
        self.assertNotIn("unencrypted", outcome.err)
        self.assertEqual({"credsStore": "shelf", "auths": {self.guarded.host: {}}}, self.stored())
        self.assert_whole(self.guarded.host)
        self.berth_("logout", self.guarded.host)
        self.assertFalse(os.path.exists(os.path.join(folder, "shelf")))
        outcome = self.berth_("logout", self.guarded.host)
        self.assertIn("WARNING: could not erase credentials:\ndocker-credential-shelf erase: the shelf is stuck", outcome.err)
        # A helper that does not work stands in the way of nothing that is public.
        os.unlink(helper)
        self.assert_whole(self.plain.host)
        self.assertIn("docker-credential-shelf is not in PATH", self.blob(self.guarded.host, fails=True))

    def test_an_identity_token_is_kept_in_place_of_the_password(self):
        service = TokenServer(self.authority, USERS)
        self.addCleanup(service.close)
        registry = self.registry(auth=token_auth(service))
        self.berth_("login", "-u", "ann", "--password-stdin", registry.host, stdin=USERS["ann"])
        entry = self.stored()["auths"][registry.host]
        self.assertEqual({"auth": "YW5uOg==", "identitytoken": service.refresh_token}, entry)
        self.assert_whole(registry.host)
        outcome = self.berth_("login", "-u", "ann", "--password-stdin", registry.host, stdin="wr0ng", check=1)
        self.assertIn("incorrect username or password", outcome.err)
        self.assertNotIn("hint", outcome.err)

    def test_a_registry_with_tls(self):
        guards = password_auth(os.path.join(self.settings, "htpasswd"), USERS)
        registry = self.registry(http=tls(self.authority.issue("login")), auth=guards)
        address = f"{Authority.NAME}:{registry.port}"
        outcome = self.berth_("login", "-u", "ann", "--password-stdin", address, stdin=USERS["ann"], check=1)
        self.assertTrue(re.search("certificate", outcome.err), outcome.err)
        shutil.copy(self.authority.path("ca.crt"), self.certificates(address))
        self.berth_("login", "-u", "ann", "--password-stdin", address, stdin=USERS["ann"])
        self.assert_whole(address)

    def test_a_damaged_config_is_left_alone(self):
        with open(os.path.join(self.settings, "config.json"), "w", encoding="utf-8") as file:
            file.write("{\n  oops")
        for command in (["login", "-u", "u", "-p", "p", self.guarded.host], ["logout", self.guarded.host]):
            self.assertIn("config.json:2:3: not valid JSON", self.berth_(*command, check=1).err)
        with open(os.path.join(self.settings, "config.json"), encoding="utf-8") as file:
            self.assertEqual("{\n  oops", file.read())
