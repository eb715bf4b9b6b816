"""The peers, of the newest release that Debian has, in a root of their own: Docker Engine with Compose, Podman with
podman-compose, runc, crun and bubblewrap. Made once by mmdebstrap and kept in ~/.cache/berth-peers (BERTH_BENCH_PEERS).

They run in a mount namespace of their own whose root that is; nothing of it is left when dockerd has ended. Their networks,
firewall rules and mounts are the surroundings': bench/run --peers starts itself in namespaces of its own (tests/integration/alone)."""

import os
import subprocess
import sys
import time

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUITE = "trixie"
PACKAGES = ("docker.io docker-cli docker-compose docker-buildx podman podman-compose netavark aardvark-dns crun runc bubblewrap catatonit "
            "iptables nftables iproute2 ca-certificates procps mount").split()
STATE = ("srv", "var/lib/docker", "var/lib/containers")  # in memory: gone with the mount namespace, and disks are not what is measured
# Once the root is process 1's, tools that remount / do so here and nowhere else.
ENTER = """
set -e
mount --make-rprivate /
mount --rbind "$1" "$1"
for folder in proc sys dev; do mount --rbind /$folder "$1/$folder"; done
for folder in run tmp; do mount -t tmpfs tmpfs "$1/$folder"; done
cat /etc/resolv.conf >"$1/run/resolv.conf"
cd "$1"
pivot_root . mnt
umount -l /mnt
mount --bind /run/resolv.conf /etc/resolv.conf || true
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec dockerd --log-level error >/run/dockerd.log 2>&1
"""


def root():
    return os.environ.get("BERTH_BENCH_PEERS", os.path.expanduser("~/.cache/berth-peers"))


def mirror():
    """Where this machine itself gets its packages."""
    sites = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return next((site for site in sites if "security" not in site), "http://deb.debian.org/debian")


def make_root():
    if os.path.exists(os.path.join(root(), "usr/sbin/dockerd")):
        return
    print(f"bench: makes the peers' root, {root()}, once", file=sys.stderr)
    subprocess.run(["bash", "-c", 'source "$0/scripts/lib.sh"; need_packages "bench/run --peers" "${image_packages[@]}"', REPO], check=True)
    unfinished = root() + ".new"
    subprocess.run(["rm", "-rf", unfinished], check=True)
    os.makedirs(os.path.dirname(root()), exist_ok=True)
    subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}", SUITE, unfinished,
                    f"deb {mirror()} {SUITE} main"], check=True)
    os.rename(unfinished, root())


class Peers:
    """The root with dockerd running in it."""

    def __init__(self):
        make_root()
        self.root = root()
        for folder in STATE:
            path = os.path.join(self.root, folder)
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", ENTER, "sh", root()], stdin=subprocess.DEVNULL)
        self.inside = ["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "--"]  # half a millisecond
        self.environment = {**os.environ, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
        self.configure_podman()
        self.docker = [*self.inside, "docker"]
        deadline = time.monotonic() + 60
        while subprocess.run([*self.docker, "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                sys.exit(f"bench: dockerd does not answer; see {root()}/run/dockerd.log")
            time.sleep(0.2)

    def configure_podman(self):
        ours, theirs = self.folder("podman")
        with open(os.path.join(ours, "containers.conf"), "w", encoding="utf-8") as file:
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]\n')  # else builds ask for more than some kernels give
            if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):  # crun refuses control groups that are not v2 alone
                file.write('[engine]\nruntime = "runc"\n')
        self.environment["CONTAINERS_CONF_OVERRIDE"] = os.path.join(theirs, "containers.conf")

    def folder(self, name):
        """A folder in the root: its path, and its path as those inside see it."""
        path = os.path.join(self.root, "srv", name)
        os.makedirs(path, exist_ok=True)
        return path, os.path.join("/srv", name)

    def versions(self):
        lines = {"Docker": [*self.docker, "--version"], "Compose": [*self.docker, "compose", "version"],
                 "Podman": [*self.inside, "podman", "--version"], "podman-compose": [*self.inside, "podman-compose", "--version"],
                 "runc": [*self.inside, "runc", "--version"], "crun": [*self.inside, "crun", "--version"],
                 "bubblewrap": [*self.inside, "bwrap", "--version"]}
        return {name: subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.partition("\n")[0]
                for name, command in lines.items()}

    def stop(self):
        self.process.terminate()
        self.process.wait()
