"""Build contexts, Dockerfiles and ADD from elsewhere: git repositories, downloads, standard input."""

import base64
import bz2
import gzip
import io
import lzma
import os
import socket
import subprocess
import tarfile

from harness import BERTH, Outcome, wait_until
from test_build import BuildCase
from web_server import Repository, WebServer

DOCKERFILE = "FROM busybox:1\nCOPY . /all/\n"


def tar_of(entries):
    """Names → content (bytes or text), or a ready TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in entries.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            content = content if isinstance(content, bytes) else content.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


class ContextCase(BuildCase):
    def setUp(self):
        self.repositories = os.path.join(self.berth.home, self._testMethodName, "repositories")
        os.makedirs(self.repositories)
        self.web = WebServer(self.repositories)
        self.addCleanup(self.web.close)
        self.secret = os.path.join(self.berth.home, "hosts-secret")
        with open(self.secret, "w", encoding="utf-8") as file:
            file.write("FROM secret-of-the-host\n")

    def repository(self, name="x.git"):
        return Repository(os.path.join(self.repositories, name))

    def url(self, name="x.git"):
        return f"{self.web.url}/git/{name}"

    def feed(self, data, *arguments, check=0, tag="test:1"):
        """image build with bytes on standard input."""
        command = [BERTH, "image", "build", "-t", tag, *arguments]
        done = subprocess.run(command, input=data, env=self.berth.environment, cwd=self.berth.home, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        outcome = Outcome(command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        self.assertEqual(outcome.code, check, str(outcome))
        return outcome


class GitContext(ContextCase):
    def test_a_repository_is_a_context(self):
        repository = self.repository()
        repository.commit({"Dockerfile": DOCKERFILE, "file": "old", "tool": ("#!/bin/sh\n", 0o755), "to-file": ["file"],
                           ".gitattributes": "*.bat text eol=crlf\n", "x.bat": "a\n"})
        repository("tag", "-a", "v1", "-m", "one")
        first = repository("rev-parse", "HEAD")
        repository("checkout", "-q", "-b", "work")
        repository.commit({"file": "work", "sub/Dockerfile": "FROM busybox:1\nCOPY here /here\n", "sub/here": "in sub"})
        repository("checkout", "-q", "main")
        repository.commit({"file": "new"})
        self.build(self.url())
        self.assertEqual(self.shell("cat /all/file; stat -c ' %a %Y' /all/tool; readlink /all/to-file; wc -c < /all/x.bat; ls -A /all"),
                         "new 755 1500000000\nfile\n3\n.gitattributes\nDockerfile\nfile\nto-file\ntool\nx.bat\n")
        for reference in ("#v1", f"#{first}", "?tag=v1", "#refs/tags/v1"):
            with self.subTest(reference):
                self.build(self.url() + reference)
                self.assertEqual(self.shell("cat /all/file"), "old")
        self.build(self.url() + "#work")
        self.assertEqual(self.shell("cat /all/file"), "work")
        self.build(self.url() + "#work:sub")
        self.assertEqual(self.shell("cat /here"), "in sub")
        self.build(self.url() + "#work", "-f", "sub/Dockerfile", check=1)
        self.build(self.url(), "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1")
        self.assertIn("HEAD", self.shell("ls /all/.git"))
        # A step whose files have not changed is found again, and so is what was fetched.
        self.assertEqual(self.build(self.url()).err.count("CACHED"), 2)
        self.assert_in_order(self.build(self.url() + "#wrok", check=1).err, 'no branch, tag or commit "wrok"', 'did you mean "work"?')
        self.assertIn('no directory "nosuch"', self.build(self.url() + "#:nosuch", check=1).err)
        self.assertIn("leads out of", self.build(self.url() + "#:../..", check=1).err)
        self.assertIn("could not be fetched", self.build(self.url("nosuch.git"), check=1).err)
        self.assert_nothing_left()
        self.berth("builder", "prune", "-f", check=0)
        self.assertFalse(os.path.exists(f"{self.berth.root}/build/git"))

    def test_a_commit_that_no_branch_ends_in(self):
        repository = self.repository()
        first = repository.commit({"Dockerfile": DOCKERFILE, "file": "first"})
        repository.commit({"file": "second"})
        self.build(f"{self.url()}#{first}")
        self.assertEqual(self.shell("cat /all/file"), "first")
        self.assertIn("is no commit there", self.build(f"{self.url()}#{'1' * 40}", check=1).err)

    def test_submodules(self):
        library, inner = self.repository("library.git"), self.repository("inner.git")
        inner.commit({"deep": "deep"})
        library.commit({"file": "library", ".gitmodules": '[submodule "i"]\n\tpath = inner\n\turl = ../inner.git\n'})
        library("update-index", "--add", "--cacheinfo", f"160000,{inner('rev-parse', 'HEAD')},inner")
        library("commit", "-q", "-m", "inner")
        old = library("rev-parse", "HEAD")
        library.commit({"file": "newer"})
        repository = self.repository()
        repository.commit({"Dockerfile": DOCKERFILE, ".gitmodules": f'[submodule "l"]\n\tpath = libs/l\n\turl = {self.url("library.git")}\n'})
        repository("update-index", "--add", "--cacheinfo", f"160000,{old},libs/l")
        repository("commit", "-q", "-m", "library")
        self.build(self.url())
        self.assertEqual(self.shell("cat /all/libs/l/file /all/libs/l/inner/deep"), "librarydeep")
        self.build(self.url() + "?submodules=false")
        self.assertEqual(self.shell("ls /all/libs/l"), "")

    def test_submodules_lead_to_networks_only(self):
        hidden = Repository(os.path.join(self.berth.home, self._testMethodName, "hidden"))
        commit = hidden.commit({"file": "not for builds"})
        repository = self.repository()
        for number, url in enumerate((hidden.folder, "file://" + hidden.folder, "../../../" + hidden.folder, "ext::sh -c id")):
            with self.subTest(url):
                repository.commit({"Dockerfile": DOCKERFILE, ".gitmodules": f'[submodule "l"]\n\tpath = l\n\turl = {url}\n'}, str(number))
                repository("update-index", "--add", "--cacheinfo", f"160000,{commit},l")
                repository("commit", "-q", "-m", "l", "--allow-empty")
                self.assertIn("submodule l", self.build(self.url(), check=1).err)

    def test_hostile_trees(self):
        repository = self.repository()
        file = repository.blob("FROM busybox:1\nCOPY . /all/\n")
        out = repository.blob("../../../../../../../../tmp")
        inside = repository.raw_tree([("100644", "file", file)])
        for branch, entries in {
                "git": [("40000", ".git", inside)], "upper": [("40000", ".GIT", inside)], "dots": [("40000", "..", inside)],
                "dot": [("100644", ".", file)], "slash": [("100644", "a/../../x", file)], "absolute": [("100644", "/tmp/x", file)],
                "twice": [("120000", "a", out), ("40000", "a", inside)]}.items():
            with self.subTest(branch):
                repository.commit_tree(repository.raw_tree([("100644", "Dockerfile", file), *entries]), branch)
                self.build(f"{self.url()}#{branch}", check=1)
        repository.commit_tree(repository.raw_tree([("100644", "Dockerfile", file)]), "good")
        self.build(self.url() + "#good")
        self.assert_nothing_left()

    def test_links_of_a_repository_lead_nowhere_else(self):
        repository = self.repository()
        repository.commit({"Dockerfile": [self.secret]})
        shown = self.build(self.url(), check=1).err
        self.assertNotIn("secret-of-the-host", shown)
        repository("rm", "-q", "Dockerfile")
        repository.commit({"Dockerfile": "FROM busybox:1\nCOPY up/hosts-secret /got\n", "up": [self.berth.home]})
        self.assertIn("hosts-secret", self.build(self.url(), check=1).err)

    def test_a_token_is_for_its_host_only(self):
        self.repository().commit({"Dockerfile": DOCKERFILE})
        self.assertIn("GIT_AUTH_TOKEN", self.closed())
        token = os.path.join(self.berth.home, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write("open-sesame\n")
        self.build(self.url(), "--secret", f"id=GIT_AUTH_TOKEN,src={token}")
        elsewhere = WebServer(self.repositories)
        self.addCleanup(elsewhere.close)
        elsewhere.password = self.web.password
        self.web.redirects["/git/moved.git"] = elsewhere.url.replace("127.0.0.1", "localhost") + "/git/x.git"
        self.build(self.url("moved.git"), "--secret", f"id=GIT_AUTH_TOKEN,src={token}", check=1)
        self.assertEqual([seen for _, seen in elsewhere.requests if seen], [])

    def closed(self):
        self.web.password = base64.b64encode(b"x-access-token:open-sesame").decode()
        return self.build(self.url(), check=1).err

    def test_add_of_a_repository(self):
        repository = self.repository()
        commit = repository.commit({"file": "one", "sub/deep": "deep", "ignored.md": "kept"})
        folder = self.context(f"""\
            FROM busybox:1
            ADD {self.url()} /plain/
            ADD --keep-git-dir=true --checksum={commit} {self.url()}#main /kept
            ADD --chown=3:4 --chmod=0700 {self.url()}#:sub /sub
            """, {".dockerignore": "**/*.md\n"})
        self.build(folder)
        self.assertEqual(self.shell("ls -A /plain; cat /plain/ignored.md; ls -A /kept; cat /kept/.git/HEAD; stat -c '%u %a' /sub/deep"),
                         f"file\nignored.md\nsub\nkept.git\nfile\nignored.md\nsub\n{commit}\n3 700\n")
        self.assertEqual(self.build(folder).err.count("CACHED"), 4)
        tree = os.path.join(self.berth.home, "exported")
        self.build(folder, "-o", tree)
        shown = subprocess.run(["git", "-c", "safe.directory=*", "-C", tree + "/kept", "status", "--porcelain"], check=True,
                               stdout=subprocess.PIPE).stdout
        self.assertEqual(shown, b"")
        repository.commit({"file": "two"})
        self.assert_in_order(self.build(folder, check=1).err, "Dockerfile:3:1", commit)
        self.context(f"FROM busybox:1\nADD {self.url()} /x\n")
        self.build(folder)
        self.assertEqual(self.shell("cat /x/file"), "two")
        self.context(f"FROM busybox:1\nADD --keep-git-dir {self.web.url}/x.tar /x\n")
        self.assertIn("no git repository", self.build(folder, check=1).err)


class GitOverSsh(ContextCase):
    """With a real sshd, and an agent that has the key."""

    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.berth.home, self._testMethodName, "ssh")
        os.makedirs(self.folder + "/.ssh", mode=0o700)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{key}"], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(self.folder + "/config", "w", encoding="utf-8") as file:
            file.write(f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
                       f"AuthorizedKeysFile {self.folder}/user.pub\nPermitRootLogin yes\nPasswordAuthentication no\n")
        if not os.path.isdir("/run/sshd"):
            os.makedirs("/run/sshd", mode=0o755)
            self.addCleanup(os.rmdir, "/run/sshd")
        server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.folder + "/config"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        self.assertIn("listening", server.stderr.readline())
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", self.folder + "/agent"], stdout=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        wait_until("the agent is there", lambda: os.path.exists(self.folder + "/agent"))
        subprocess.run(["ssh-add", "-q", self.folder + "/user"], check=True, env={**os.environ, "SSH_AUTH_SOCK": self.folder + "/agent"},
                       stderr=subprocess.DEVNULL)
        self.berth.environment["HOME"] = self.folder

    def test_known_hosts_and_an_agent(self):
        repository = self.repository()
        repository.commit({"Dockerfile": DOCKERFILE, "file": "by ssh"})
        url = f"ssh://root@127.0.0.1:{self.port}{repository.folder}"
        agent = ["--ssh", f"default={self.folder}/agent"]
        self.assertIn("known_hosts", self.build(url, *agent, check=1).err)
        with open(self.folder + "/host.pub", encoding="utf-8") as key, open(self.folder + "/.ssh/known_hosts", "w", encoding="utf-8") as file:
            file.write(f"[127.0.0.1]:{self.port} {key.read()}")
        self.assertIn("no agent", self.build(url, check=1).err)
        self.build(url, *agent)
        self.assertEqual(self.shell("cat /all/file"), "by ssh")


class Downloads(ContextCase):
    def test_archives_and_dockerfiles_from_the_network(self):
        plain = tar_of({"Dockerfile": DOCKERFILE, "file": "from tar", "other/Containerfile": "FROM busybox:1\nCOPY file /other\n"})
        packed = {"plain": plain, "gz": gzip.compress(plain), "bz2": bz2.compress(plain), "xz": lzma.compress(plain),
                  "zst": subprocess.run(["zstd", "-qc"], input=plain, stdout=subprocess.PIPE, check=True).stdout}
        for name, data in packed.items():
            with self.subTest(name):
                self.web.files["/context"] = data
                self.build(f"{self.web.url}/context")
                self.assertEqual(self.shell("cat /all/file"), "from tar")
        self.build(f"{self.web.url}/context", "-f", "other/Containerfile")
        self.assertEqual(self.shell("cat /other"), "from tar")
        self.web.files["/Dockerfile"] = b"FROM busybox:1\nRUN echo alone > /alone\n"
        self.build(f"{self.web.url}/Dockerfile")
        self.assertEqual(self.shell("cat /alone"), "alone\n")
        self.build(self.context("", {"file": "x"}), "-f", f"{self.web.url}/Dockerfile")
        self.web.files["/bytes"] = b"\0\1\2"
        self.assertIn("neither an archive nor a Dockerfile", self.build(f"{self.web.url}/bytes", check=1).err)
        self.assertIn("404", self.build(f"{self.web.url}/nosuch", check=1).err)
        self.assert_nothing_left()

    def test_add_takes_downloads_apart_where_it_is_told_to(self):
        self.web.files["/x.tar.bz2"] = bz2.compress(tar_of({"inside": "1"}))
        folder = self.context(f"FROM busybox:1\nADD {self.web.url}/x.tar.bz2 /kept/\nADD --unpack=true {self.web.url}/x.tar.bz2 /apart/\n"
                              "ADD x.tar.bz2 /local/\n", {"x.tar.bz2": self.web.files["/x.tar.bz2"]})
        self.build(folder)
        self.assertEqual(self.shell("ls /kept /apart /local"), "/apart:\ninside\n\n/kept:\nx.tar.bz2\n\n/local:\ninside\n")


class StandardInput(ContextCase):
    def test_an_archive_a_dockerfile_or_the_dockerfile_alone(self):
        plain = tar_of({"Dockerfile": DOCKERFILE, "file": "fed", ".dockerignore": "*.md\n", "x.md": ""})
        for data in (plain, gzip.compress(plain)):
            self.feed(data, "-")
            self.assertEqual(self.shell("ls /all; cat /all/file"), "Dockerfile\nfile\nfed")
        self.feed(b"FROM busybox:1\nRUN echo x > /x\n", "-")
        self.feed(b"FROM busybox:1\nCOPY file /here\n", "-f", "-", self.context("nonsense", {"file": "local"}))
        self.assertEqual(self.shell("cat /here"), "local")
        self.assertIn("both", self.feed(b"FROM busybox:1\n", "-f", "-", "-", check=1).err)
        self.assertIn("leave -f out", self.feed(b"FROM busybox:1\n", "-f", "x", "-", check=1).err)
        self.assert_in_order(self.feed(tar_of({"Dockerfiel": ""}), "-", check=1).err, "no Dockerfile in the build context",
                             "did you mean Dockerfiel?")
        self.assert_nothing_left()

    def test_hostile_archives(self):
        victim = os.path.join(self.berth.home, "victim")
        os.makedirs(victim)
        device = tarfile.TarInfo("device")
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
        good = {"Dockerfile": "FROM busybox:1\nCOPY . /all/\n"}
        for name, entries in {
                "..": {"../" * 20 + victim[1:] + "/x": "x"}, "a/../..": {"a/../../x": "x"},
                "hard link": {"h": link("h", "../" * 20 + self.secret[1:], tarfile.LNKTYPE)}}.items():
            with self.subTest(name):
                self.feed(tar_of({**good, **entries}), "-", check=1)
        # Absolute names and links count from the context's root.
        self.feed(tar_of({**good, victim + "/x": "x", "out": link("out", victim), "out/y": "y", "device": device}), "-")
        self.assertEqual(os.listdir(victim), [])
        self.feed(tar_of({"Dockerfile": link("Dockerfile", self.secret)}), "-", check=1)
        self.feed(tar_of({**good, "hosts": link("hosts", self.secret)}), "-")
        self.assertNotIn("secret-of-the-host", self.shell("cat /all/hosts 2>&1; true"))
        self.feed(gzip.compress(tar_of(good))[:40], "-", check=1)
        self.assert_nothing_left()


class NamedContexts(ContextCase):
    def test_every_kind(self):
        self.repository().commit({"file": "from git"})
        self.web.files["/file.txt"] = b"from the network"
        other = self.context("", {"file": "from a directory"}, name="other")
        self.build(self.context("FROM busybox:1\nRUN echo from-an-image > /file\n", name="base"), tag="base:1")
        layout = os.path.join(self.berth.home, "layout")
        subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", f"oci:{self.berth.root}/images:docker.io/library/base:1",
                        f"oci:{layout}:v1"], check=True)
        folder = self.context("""\
            FROM alpine:3 AS first
            RUN cat /file > /first
            FROM replaced
            COPY --from=directory file /directory
            COPY --from=git file /git
            COPY --from=url file.txt /url
            COPY --from=image file /image
            COPY --from=layout file /layout
            RUN --mount=type=bind,from=git,target=/g cat /g/file > /mounted
            COPY --from=first /first /first
            """)
        contexts = {"directory": other, "git": self.url(), "url": f"{self.web.url}/file.txt", "image": "docker-image://base:1",
                    "layout": f"oci-layout://{layout}:v1", "alpine:3": "docker-image://base:1", "replaced": f"oci-layout://{layout}"}
        flags = [word for name, value in contexts.items() for word in ("--build-context", f"{name}={value}")]
        self.build(folder, *flags)
        self.assertEqual(self.shell("cat /directory /git /url /image /layout /mounted /first"),
                         "from a directoryfrom gitfrom the networkfrom-an-image\nfrom-an-image\nfrom gitfrom-an-image\n")
        self.assertEqual(self.build(folder, *flags).err.count("DONE"), 0)
        self.assertIn("is a directory, not an image", self.build(folder, *flags, "--build-context", f"replaced={other}", check=1).err)
        self.assertIn('there is no "v2" in it', self.build(folder, *flags, "--build-context", f"layout=oci-layout://{layout}:v2", check=1).err)
        self.assertIn("no build context", self.build(folder, *flags, "--build-context", "git=/nosuch", check=1).err)
        # A context takes the place of a stage, which is then not built.
        folder = self.context("FROM nosuch:1 AS stage\nFROM busybox:1\nCOPY --from=stage file /file\n", name="stage")
        self.build(folder, "--build-context", f"stage={other}")
        self.assertEqual(self.shell("cat /file"), "from a directory")

    def test_services_from_elsewhere(self):
        self.repository().commit({"app/Dockerfile": "FROM base\nCOPY --from=more extra /\nCOPY file /\nCMD [\"sleep\", \"infinity\"]\n",
                                  "app/file": "from git"})
        more = self.context("", {"extra": "extra"}, name="more")
        stack = self.stack(f"""\
            services:
              base:
                build:
                  context: .
                  dockerfile_inline: |
                    FROM busybox:1
                    RUN echo base > /base
              web:
                build:
                  context: {self.url()}#main:app
                  additional_contexts:
                    base: service:base
                    more: {more}
                init: true
            """)
        stack.up("web")
        self.assertEqual(stack.sh("web", "cat /base /file /extra"), "base\nfrom gitextra")


class Outputs(ContextCase):
    def folder(self):
        return self.context("FROM busybox:1 AS rest\nFROM scratch\nCOPY --chmod=0750 --chown=7:8 tree /\n",
                            {"tree/a/b": "b", "tree/c": "c"})

    def stored(self):
        return self.berth("image", "ls", "-a", "-q", check=0).out.split()

    def test_files(self):
        folder, before = self.folder(), self.stored()
        out = os.path.join(self.berth.home, "out")
        os.makedirs(out + "/a")
        with open(out + "/a/b", "w", encoding="utf-8") as file:
            file.write("old")
        victim = os.path.join(self.berth.home, "untouched")
        with open(victim, "w", encoding="utf-8") as file:
            file.write("old")
        os.symlink(victim, out + "/c")
        self.berth("image", "build", "-o", out, folder, check=0)
        with open(out + "/a/b", encoding="utf-8") as file:
            self.assertEqual(file.read(), "b")
        self.assertEqual((os.stat(out + "/a/b").st_uid, os.stat(out + "/a/b").st_mode & 0o777), (0, 0o750))
        self.assertFalse(os.path.islink(out + "/c"))
        with open(victim, encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")
        archive = os.path.join(self.berth.home, "out.tar")
        self.berth("image", "build", "--output", f"type=tar,dest={archive}", folder, check=0)
        with tarfile.open(archive) as tar:
            self.assertEqual({(entry.name, entry.uid) for entry in tar}, {("a", 7), ("a/b", 7), ("c", 7)})
        done = subprocess.run([BERTH, "image", "build", "-o", "-", folder], env=self.berth.environment, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            self.assertEqual(tar.extractfile("c").read(), b"c")
        self.assertEqual(self.stored(), before)

    def test_archives_that_others_read(self):
        folder, before = self.folder(), self.stored()
        for kind, transport in (("oci", "oci-archive"), ("docker", "docker-archive")):
            archive = os.path.join(self.berth.home, f"{kind}.tar")
            self.berth("image", "build", "-t", "named:1", "-o", f"type={kind},dest={archive}", folder, check=0)
            subprocess.run(["skopeo", "inspect", f"{transport}:{archive}"], check=True, stdout=subprocess.DEVNULL)
        layout = os.path.join(self.berth.home, "outdir")
        self.berth("image", "build", "-t", "named:1", "-o", f"type=oci,tar=false,dest={layout}", folder, check=0)
        subprocess.run(["skopeo", "inspect", f"oci:{layout}:1"], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.stored(), before)
        self.berth("load", "-i", archive, check=0)
        self.assertIn("named", self.berth("image", "ls", check=0).out)
        self.assertIn("did you mean local?", self.berth("image", "build", "-o", "type=locla,dest=x", folder, check=1).err)

    def test_what_is_written_beside_the_image(self):
        id_file, metadata = os.path.join(self.berth.home, "id"), os.path.join(self.berth.home, "meta.json")
        built = self.build(self.folder(), "-q", "--iidfile", id_file, "--metadata-file", metadata, "--annotation", "org.example.a=b",
                           "--annotation", "manifest:c=d")
        with open(id_file, encoding="utf-8") as file:
            self.assertEqual(file.read(), built.out.strip())
        with open(metadata, encoding="utf-8") as file:
            text = file.read()
        self.assertIn('"image.name": "docker.io/library/test:1"', text)
        self.assertIn(built.out.strip(), text)
        layout = f"oci:{self.berth.root}/images:docker.io/library/test:1"
        raw = subprocess.run(["skopeo", "inspect", "--raw", layout], check=True, stdout=subprocess.PIPE).stdout
        self.assertIn(b'"annotations":{"c":"d","org.example.a":"b"}', raw)

    def test_flags_without_effect_are_named_and_others_refused(self):
        folder = self.folder()
        built = self.build(folder, "--cache-from", "type=registry,ref=x", "--cache-to=type=inline", "--provenance=true", "--sbom=true",
                           "--attest", "type=sbom", "--rm", "--force-rm", "--memory", "1g", "--builder", "default", "--load")
        for flag in ("--cache-from", "--cache-to", "--provenance", "--sbom", "--attest"):
            self.assertIn(f"warning: {flag}", built.err)
        self.assertNotIn("warning", self.build(folder, "--provenance=false").err)
        self.assertIn("--cgroup-parent", self.build(folder, "--cgroup-parent", "x", check=1).err)
        self.assertIn("several platforms", self.build(folder, "--platform", "linux/amd64,linux/arm64", check=1).err)

    def test_another_platform_needs_no_emulator_where_nothing_runs(self):
        folder = self.folder()
        self.build(folder, "--platform", "linux/s390x")
        self.assertEqual(self.berth("image", "inspect", "test:1", check=0).json()[0]["Architecture"], "s390x")
        self.context("FROM scratch\nCOPY tree /\nRUN [\"/c\"]\n", {"tree/c": "c"})
        self.assertIn("binfmt_misc", self.build(folder, "--platform", "linux/s390x", check=1).err)
