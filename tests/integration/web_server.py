"""A web server on loopback: files as bytes, and git repositories through git's own http-backend."""

import http.server
import os
import subprocess
import threading


class WebServer:
    """`files`: path → bytes. `requests`: (path, Authorization header) as they came. Below /git/ are the repositories of a folder."""

    def __init__(self, repositories):
        self.repositories = repositories
        self.files = {}
        self.redirects = {}  # a path's beginning → where to
        self.password = None  # what git must say, once there is one: "user:password" in base64
        self.requests = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(server):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, code, headers, body):
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):  # pylint: disable=invalid-name
                server.requests.append((self.path, self.headers.get("Authorization")))
                for start, target in server.redirects.items():
                    if self.path.startswith(start):
                        return self.answer(301, {"Location": target + self.path[len(start):]}, b"")
                if self.path.startswith("/git/"):
                    return self.git()
                body = server.files.get(self.path)
                return self.answer(404, {}, b"") if body is None else self.answer(200, {}, body)

            do_POST = do_GET

            def body(self):
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def git(self):
                if server.password and self.headers.get("Authorization") != f"Basic {server.password}":
                    return self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
                path, _, query = self.path[len("/git"):].partition("?")
                environment = {
                    **os.environ, "GIT_PROJECT_ROOT": server.repositories, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                    "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
                }
                body = self.body()
                environment["CONTENT_LENGTH"] = str(len(body))
                done = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, check=False)
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
                return self.answer(int(headers.pop("Status", "200").split()[0]), headers, content)

            def log_message(self, *_):
                pass

        return Handler


class Repository:
    """A repository to build from; made of files, or of trees that no git would make."""

    ENVIRONMENT = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "1500000000 +0000",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": "1500000000 +0000",
    }

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self("init", "-q", "-b", "main")

    def __call__(self, *arguments, stdin=b""):
        return subprocess.run(["git", *arguments], cwd=self.folder, env=self.ENVIRONMENT, input=stdin, stdout=subprocess.PIPE,
                              check=True).stdout.decode().strip()

    def commit(self, files, message="files"):
        """Path → text, (text, mode), or a link's target in a list. Returns the commit."""
        for path, content in files.items():
            place = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if isinstance(content, list):
                os.symlink(content[0], place)
                continue
            text, mode = content if isinstance(content, tuple) else (content, 0o644)
            with open(place, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.chmod(place, mode)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", message)
        return self("rev-parse", "HEAD")

    def blob(self, content):
        return self("hash-object", "-w", "--stdin", stdin=content.encode())

    def raw_tree(self, entries):
        """(mode, name, object) as they are, whatever the names; returns the tree."""
        raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(id) for mode, name, id in entries)
        return self("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)

    def commit_tree(self, tree, branch):
        commit = self("commit-tree", tree, "-m", "tree")
        self("update-ref", f"refs/heads/{branch}", commit)
        return commit
