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

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IMAGE = "berth-bench:1"
CHANGES = ['CMD ["sh"]', "ENV PATH=/bin"]


class Engine:
    """A command line and how to find its processes. A compose file is given on standard input or in a folder; the project's
    name is the same for all."""

    lacks = ()  # works that it cannot do

    def compose(self, compose_file, *words):
        """Runs `compose WORDS`; the seconds it took, from fork to exit."""
        command, options = self.command(compose_file)
        started = time.perf_counter()
        done = subprocess.run([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, **options)
        took = time.perf_counter() - started
        if done.returncode != 0:
            sys.exit(f"{self.name}: {' '.join(words)}: exit {done.returncode}\n{done.stderr}")
        return took

    def knows(self, word):
        """Whether `WORD --help` is answered."""
        command, options = self.command("services: {}\n")
        return subprocess.run([*command, word, "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
                              check=False, **options).returncode == 0

    def pull(self, image):
        return self._image("pull", "-q", image)

    def forget(self, image):
        self._image("rm", image)

    def _image(self, *words):
        started = time.perf_counter()
        subprocess.run([*self.prefix, "image", *words], env=self.environment, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    def import_image(self, tar, name):
        subprocess.run([*self.prefix, "import", "-", name], env=self.environment, check=True, input=tar, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def save(self, name):
        """An archive of the image; the file's name."""
        with tempfile.NamedTemporaryFile(prefix="berth-bench-", suffix=".tar", delete=False) as file:
            subprocess.run([*self.prefix, "image", "save", name], env=self.environment, check=True, stdout=file)
        return file.name

    def load(self, archive):
        started = time.perf_counter()
        with open(archive, "rb") as file:
            subprocess.run([*self.prefix, "image", "load", "-q"], env=self.environment, check=True, stdin=file, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    def build(self, folder, *options):
        return self._image("build", "-q", "-t", "berth-bench-build:1", *options, folder)

    def publish_base(self, name):
        """The busybox image goes to a registry under this name."""
        for words in (["tag", IMAGE, name], ["image", "push", "-q", name]):
            subprocess.run([*self.prefix, *words], env=self.environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def take_down(self):
        """Whatever is left of the project, also after a failure."""
        command, options = self.command("services: {}\n")
        subprocess.run([*command, "down", "--remove-orphans", "-t", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       text=True, check=False, **options)


class BerthEngine(Engine):
    name = "berth"

    def __init__(self, program, home):
        self.program, self.home, self.run, self.prefix = program, home, os.path.join(home, "run"), [program]
        self.environment = {**os.environ, "BERTH_ROOT": os.path.join(home, "root"), "BERTH_RUN": self.run}
        words = [word for change in CHANGES for word in ("--change", change)]
        subprocess.run([program, "import", *words, busybox.image_tar(), IMAGE], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)

    def command(self, compose_file):
        folder = os.path.join(self.home, "bench")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(compose_file)
        return [self.program, "-p", "bench"], {"cwd": folder, "env": self.environment, "stdin": subprocess.DEVNULL}

    def own_processes(self):
        return [pid for name in ("berth-supervisor", "berth-keeper") for pid in host.helper_processes(name, self.run)]

    def finish(self):
        self.take_down()
        for pid in self.own_processes():
            os.kill(pid, 15)


class DockerEngine(Engine):
    name = "docker"
    PROCESSES = ("dockerd", "containerd", "containerd-shim", "docker-proxy")

    def __init__(self, prefix, environment=None):
        self.prefix, self.environment = prefix, environment
        words = [word for change in CHANGES for word in ("-c", change)]
        with open(busybox.image_tar(), "rb") as tar:
            subprocess.run([*prefix, "import", *words, "-", IMAGE], stdin=tar, check=True, stdout=subprocess.DEVNULL)

    def command(self, compose_file):
        # Standard input, so that it also works where the docker command sees another file system than we do.
        return [*self.prefix, "compose", "-p", "bench", "-f", "-"], {"input": compose_file, "env": self.environment}

    def build(self, folder, *options):
        # The context on standard input: the docker command may see another file system than we do.
        context = subprocess.run(["tar", "-C", folder, "-c", "."], check=True, stdout=subprocess.PIPE).stdout
        started = time.perf_counter()
        subprocess.run([*self.prefix, "image", "build", "-q", "-t", "berth-bench-build:1", *options, "-"], input=context, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started

    def own_processes(self):
        return [pid for pid in host.pids() if host.read(f"/proc/{pid}/comm").strip().startswith(self.PROCESSES)]

    def finish(self):
        self.take_down()
        subprocess.run([*self.prefix, "image", "rm", "-f", IMAGE], check=False, stdout=subprocess.DEVNULL)


class PodmanEngine(Engine):
    name = "podman"
    PROCESSES = ("conmon", "netavark", "aardvark-dns")
    lacks = ("chain", "config-10", "config-1000", "build-cold", "build-again", "scale", "logs-write", "logs-read")  # not in podman-compose, or otherwise

    def __init__(self, peers):
        self.peers, self.environment = peers, peers.environment
        self.prefix = [*peers.inside, "podman"]
        words = [word for change in CHANGES for word in ("-c", change)]
        with open(busybox.image_tar(), "rb") as tar:
            subprocess.run([*self.prefix, "import", "-q", *words, "-", IMAGE], stdin=tar, check=True, stdout=subprocess.DEVNULL,
                           env=self.environment)

    def command(self, compose_file):
        folder = self.peers.write("bench", "compose.yaml", compose_file)
        script = 'cd "$1" && shift && exec podman-compose -p bench "$@"'
        return [*self.peers.inside, "sh", "-c", script, "sh", folder], {"stdin": subprocess.DEVNULL, "env": self.environment}

    def own_processes(self):
        return [pid for pid in host.pids() if host.read(f"/proc/{pid}/comm").strip().startswith(self.PROCESSES)]

    def finish(self):
        self.take_down()
        subprocess.run([*self.prefix, "rmi", "-f", IMAGE], env=self.environment, check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def available_engines(home, only, peers=None):
    if os.geteuid() != 0:
        sys.exit("bench/run: must run as root: it starts real containers")
    engines = []
    program = os.environ.get("BERTH", os.path.join(REPO, "build", "berth"))
    if only in (None, "berth"):
        if not os.access(program, os.X_OK):
            sys.exit(f"bench/run: {program} is not there; run scripts/build first")
        engines.append(BerthEngine(program, home))
    docker = peers.docker if peers else shlex.split(os.environ.get("BERTH_BENCH_DOCKER", "docker"))
    if peers and only in (None, "podman"):
        engines.append(PodmanEngine(peers))
    if only in (None, "docker"):
        found = shutil.which(docker[0])
        if found and subprocess.run([*docker, "compose", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    check=False).returncode == 0:
            engines.append(DockerEngine(docker, peers.environment if peers else None))
        elif only == "docker" or "BERTH_BENCH_DOCKER" in os.environ:
            sys.exit(f"bench/run: `{shlex.join(docker)} compose version` does not work")
        else:
            print("bench/run: no Docker with Compose here (PATH, BERTH_BENCH_DOCKER): berth alone", file=sys.stderr)
    return engines
