"""What guards a registry: TLS by an authority of the test's own, passwords, tokens."""

import base64
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.parse


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options).stdout


class Authority:
    """A certificate authority of the test's own, and what it has signed. libcurl takes every name below .localhost for this
    machine, while berth takes it for a registry like any other: the name by which TLS can be tested on loopback."""

    NAME = "registry.localhost"

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=berth test authority",
            "-keyout", self.path("ca.key"), "-out", self.path("ca.crt"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name):
        """Paths of a certificate and its key."""
        extensions = self.path(name + ".ext")
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{self.NAME},IP:127.0.0.1\n")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", self.path(name + ".key"),
            "-out", self.path(name + ".csr"))
        run("openssl", "x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", self.path(name + ".crt"))
        return self.path(name + ".crt"), self.path(name + ".key")


# For `http` and `auth` of registries.Registry. JSON is YAML.


def tls(certificate, client_authority=None):
    """certificate: paths of a certificate and its key; client_authority: whose clients alone are let in."""
    options = {"certificate": certificate[0], "key": certificate[1]}
    if client_authority:
        options["clientcas"] = [client_authority]
    return f"tls: {json.dumps(options)}\n"


def password_auth(file, passwords):
    """`file` is written."""
    lines = [run("htpasswd", "-nbB", user, password).decode().strip() for user, password in passwords.items()]
    with open(file, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return f"auth: {json.dumps({'htpasswd': {'realm': 'test', 'path': file}})}\n"


def token_auth(service):
    return "auth: " + json.dumps({"token": {"realm": service.url, "service": service.SERVICE, "issuer": service.ISSUER,
                                            "rootcertbundle": service.certificate[0]}}) + "\n"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer:
    """A token service as in distribution's specification: tokens are JWTs that the registry checks for itself."""

    SERVICE, ISSUER = "berth test registry", "berth test issuer"

    def __init__(self, authority, passwords, anonymous=("pull",)):
        """anonymous: what those without a login may do."""
        self.passwords, self.anonymous = passwords, anonymous
        self.certificate = authority.issue("token-service")
        self.requests = []  # (method, fields)
        self.refresh_token = "an-identity-token"
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def token(self, user, scopes):
        allowed = ("pull", "push", "delete") if user else self.anonymous
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 1)[0], scope.split(":", 1)[1].rsplit(":", 1)[0], scope.rsplit(":", 1)[1].split(",")
            access.append({"type": kind, "name": name, "actions": [action for action in actions if action in allowed]})
        with open(self.certificate[0], encoding="utf-8") as file:
            der = "".join(line.strip() for line in file if "-----" not in line)
        now = int(time.time())
        claims = {"iss": self.ISSUER, "aud": self.SERVICE, "sub": user or "", "nbf": now - 10, "iat": now, "exp": now + 300,
                  "jti": str(len(self.requests)), "access": access}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "RS256", "x5c": [der]}, claims))
        signature = run("openssl", "dgst", "-sha256", "-sign", self.certificate[1], input=signed.encode())
        return signed + "." + encoded(signature)

    def user_of(self, header):
        """The user of a Basic header, None without one, False for a wrong one."""
        if not header:
            return None
        user, password = base64.b64decode(header.split()[1]).decode().split(":", 1)
        return user if self.passwords.get(user) == password else False

    def handler(service):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                fields = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                service.requests.append(("GET", fields, dict(self.headers)))
                user = service.user_of(self.headers.get("Authorization"))
                if user is False:
                    self.reply(401, {"details": "incorrect username or password"})
                    return
                answer = {"token": service.token(user, fields.get("scope", [])), "expires_in": 300}
                if user and "offline_token" in fields:
                    answer["refresh_token"] = service.refresh_token
                self.reply(200, answer)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                fields = urllib.parse.parse_qs(body)
                service.requests.append(("POST", fields, dict(self.headers)))
                if fields.get("grant_type") != ["refresh_token"] or fields.get("refresh_token") != [service.refresh_token]:
                    self.reply(401, {"error": "invalid_grant", "error_description": "not a token of ours"})
                    return
                scopes = fields.get("scope", [""])[0].split()
                self.reply(200, {"access_token": service.token("someone", scopes), "expires_in": 300})

            def reply(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
