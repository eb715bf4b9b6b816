"""The programs under measurement, behind one face."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import busybox
import host

from trial import Failed

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BERTH = os.environ.get("BERTH", os.path.join(REPO, "build", "berth"))
IMAGE = "berth-bench:1"
BUILT = "berth-bench-build:1"
CHANGES = ['CMD ["sh"]', "ENV PATH=/bin"]


def timed(command, **options):
    """The seconds a command took, from fork to exit. Raises Failed with what it said if it does not end well."""
    streams = {"stdout": subprocess.DEVNULL} if "input" in options else {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    started = time.perf_counter()
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False, **{**streams, **options})
    took = time.perf_counter() - started
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace") if isinstance(done.stderr, bytes) else done.stderr
        raise Failed(f"{shlex.join(command)}: exit {done.returncode}: {said.strip()[-1000:]}")
    return took


class Engine:
    """A command line and how to find its processes. A compose file is given on standard input or in a folder; the project's
    name is the same for all. `storage` is where it keeps images and containers."""

    lacks = {}  # what it cannot do (Trial.needs), and why
    insecure = ()  # what lets it use a registry without TLS
    separator = "-"  # in names of containers

    def compose(self, compose_file, *words):
        """Runs `compose WORDS`; the seconds it took."""
        command, options = self.command(compose_file)
        return timed([*command, *words], text=True, **options)

    def pull(self, image):
        return self._image("pull", "-q", *self.insecure, image)

    def forget(self, image):
        self._image("rm", image)

    def _image(self, *words, **options):
        return timed([*self.prefix, "image", *words], env=self.environment, **options)

    def import_image(self, tar, name):
        """`tar` is an open file with the tree of the image."""
        words = [word for change in CHANGES for word in ("--change", change)]
        subprocess.run([*self.prefix, "import", *words, "-", name], env=self.environment, check=True, stdin=tar, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def import_busybox(self):
        with open(busybox.image_tar(), "rb") as tar:
            self.import_image(tar, IMAGE)

    def save(self, name):
        """An archive of the image; the file's name."""
        with tempfile.NamedTemporaryFile(prefix="berth-bench-", suffix=".tar", delete=False) as file:
            subprocess.run([*self.prefix, "image", "save", name], env=self.environment, check=True, stdout=file)
        return file.name

    def load(self, archive):
        with open(archive, "rb") as file:
            return self._image("load", "-q", stdin=file)

    def build(self, folder, *options):
        """`folder` is as the engine sees it."""
        return self._image("build", "-q", "-t", BUILT, *self.insecure, *options, folder)

    def folder(self, name):
        """A new folder that the engine can read: its path, and its path as the engine sees it."""
        raise NotImplementedError

    def own_processes(self):
        return [pid for pid in host.pids() if host.read(f"/proc/{pid}/comm").strip().startswith(self.PROCESSES)]

    def take_down(self):
        """Whatever is left of the project, also after a failure."""
        command, options = self.command("services: {}\n")
        subprocess.run([*command, "down", "--remove-orphans", "-t", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       text=True, check=False, **options)

    def finish(self):
        self.take_down()
        subprocess.run([*self.prefix, "rmi", "-f", IMAGE], env=self.environment, check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


class BerthEngine(Engine):
    name = "berth"

    def __init__(self, home):
        self.home, self.run, self.prefix, self.storage = home, os.path.join(home, "run"), [BERTH], home
        self.environment = {**os.environ, "BERTH_ROOT": os.path.join(home, "root"), "BERTH_RUN": self.run}
        self.import_busybox()

    def command(self, compose_file):
        folder, _ = self.folder("bench")
        with open(os.path.join(folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(compose_file)
        return [BERTH, "-p", "bench"], {"cwd": folder, "env": self.environment, "stdin": subprocess.DEVNULL}

    def folder(self, name):
        path = os.path.join(self.home, name)
        os.makedirs(path, exist_ok=True)
        return path, path

    def own_processes(self):
        return [pid for name in ("berth-supervisor", "berth-keeper") for pid in host.helper_processes(name, self.run)]

    def finish(self):
        self.take_down()
        for pid in self.own_processes():
            os.kill(pid, 15)


class DockerEngine(Engine):
    """Docker with Compose, of the peers or the one of this machine."""

    name = "docker"
    PROCESSES = ("dockerd", "containerd", "containerd-shim", "docker-proxy")

    def __init__(self, prefix, peers=None):
        self.prefix, self.peers, self.environment = prefix, peers, peers.environment if peers else None
        self.storage = os.path.join(peers.root if peers else "/", "var/lib/docker")
        self.import_busybox()

    def command(self, compose_file):
        # Standard input, so that it also works where the docker command sees another file system than we do.
        return [*self.prefix, "compose", "-p", "bench", "-f", "-"], {"input": compose_file, "env": self.environment}

    def folder(self, name):
        if self.peers:
            return self.peers.folder(f"docker-{name}")
        path = tempfile.mkdtemp(prefix="berth-bench-", dir="/var/tmp")
        return path, path


class PodmanEngine(Engine):
    name = "podman"
    PROCESSES = ("conmon", "netavark", "aardvark-dns")
    insecure = ("--tls-verify=false",)
    separator = "_"
    lacks = {"up --wait": "podman-compose has no `up --wait`, and systemd runs Podman's health checks", "watch": "podman-compose has no `watch`",
             "500 services": "it would take some ten minutes a turn"}

    def __init__(self, peers):
        self.peers, self.environment = peers, peers.environment
        self.prefix = [*peers.inside, "podman"]
        self.storage = os.path.join(peers.root, "var/lib/containers")
        self.import_busybox()

    def command(self, compose_file):
        ours, folder = self.folder("bench")
        with open(os.path.join(ours, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(compose_file)
        script = 'cd "$1" && shift && exec podman-compose -p bench "$@"'
        return [*self.peers.inside, "sh", "-c", script, "sh", folder], {"stdin": subprocess.DEVNULL, "env": self.environment}

    def folder(self, name):
        return self.peers.folder(f"podman-{name}")


def available_engines(home, only, peers=None):
    if os.geteuid() != 0:
        sys.exit("bench/run: must run as root: it starts real containers")
    engines = []
    if only in (None, "berth"):
        if not os.access(BERTH, os.X_OK):
            sys.exit(f"bench/run: {BERTH} is not there; run scripts/build first")
        engines.append(BerthEngine(home))
    docker = peers.docker if peers else shlex.split(os.environ.get("BERTH_BENCH_DOCKER", "docker"))
    if only in (None, "docker"):
        found = shutil.which(docker[0])
        if found and subprocess.run([*docker, "compose", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    check=False).returncode == 0:
            engines.append(DockerEngine(docker, peers))
        elif only == "docker" or "BERTH_BENCH_DOCKER" in os.environ:
            sys.exit(f"bench/run: `{shlex.join(docker)} compose version` does not work")
        else:
            print("bench/run: no Docker with Compose here (PATH, BERTH_BENCH_DOCKER): berth alone", file=sys.stderr)
    if peers and only in (None, "podman"):
        engines.append(PodmanEngine(peers))
    return engines
