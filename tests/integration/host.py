"""A look at the host: what is there, and what came or went between two looks."""

import fcntl
import json
import os
import re
import struct
import subprocess
import time

# All limits of time are there to end a test that hangs. A slow machine (tests/vm) asks for more.
PATIENCE = float(os.environ.get("BERTH_TEST_PATIENCE", "1"))
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "uts", "user")


def has_nftables():
    """Whether the kernel has nftables for IP. Debian's user-mode-linux has not."""
    probe = ["unshare", "--net", "nft", "add table inet probe"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0


def remembers_ends():
    """Whether the kernel tells how a process ended that somebody else has reaped (PIDFD_GET_INFO, since Linux 6.15)."""
    get_info, exit_code = 0xC040FF0B, 8  # struct pidfd_info of 64 bytes, whose first member says what is asked and answered
    process = subprocess.Popen(["true"])
    handle = os.pidfd_open(process.pid)
    process.wait()
    try:
        return bool(struct.unpack_from("Q", fcntl.ioctl(handle, get_info, struct.pack("Q56x", exit_code)))[0] & exit_code)
    except OSError:
        return False
    finally:
        os.close(handle)


def read(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # processes and cgroups go away while we look
        return default


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def is_alive(pid):
    state = re.search(r"\) (\S)", read(f"/proc/{pid}/stat"))
    return bool(state) and state.group(1) not in "ZX"


def environment(pid):
    return dict(item.split("=", 1) for item in read(f"/proc/{pid}/environ").split("\0") if "=" in item)


def parent(pid):
    """Its pid, or 0 where `pid` is gone."""
    found = re.search(r"\) \S (\d+)", read(f"/proc/{pid}/stat"))
    return int(found.group(1)) if found else 0


def helper_processes(name, run):
    """Pids of berth's helper programs that serve the root whose BERTH_RUN is `run`."""
    found = []
    for pid in pids():
        arguments = read(f"/proc/{pid}/cmdline").split("\0")
        if os.path.basename(arguments[0]) != name or not is_alive(pid):
            continue
        if environment(pid).get("BERTH_RUN") == run or any(run in argument for argument in arguments):
            found.append(pid)
    # What it is starting goes by its name for a moment.
    return [pid for pid in found if parent(pid) not in found]


def first_processes(mark):
    """Pids (of the host) that are process 1 of a pid namespace below ours and carry BERTH_TEST_MARK=mark."""
    found = []
    for pid in pids():
        inner = re.search(r"^NSpid:\s+\d+.*\s1$", read(f"/proc/{pid}/status"), re.MULTILINE)
        if inner and environment(pid).get("BERTH_TEST_MARK") == mark:
            found.append(pid)
    return found


def cgroup_mounts():
    """(mount point, controllers) of every hierarchy; the v2 one has no controllers in its mount options."""
    mounts = []
    for line in read("/proc/self/mounts").splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2":
            mounts.append((point, set()))
        elif kind == "cgroup":
            mounts.append((point, set(options.split(","))))
    return mounts


def has_controller(name):
    found = {controller for _, options in cgroup_mounts() for controller in options}
    for point, options in cgroup_mounts():
        if not options:
            found.update(read(f"{point}/cgroup.controllers").split())
    return name in found


def cgroup_file(pid, controller, v1_name, v2_name):
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        for point, options in cgroup_mounts():
            if number != "0" and controller in controllers.split(",") and controller in options:
                return point + path + "/" + v1_name
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        if line.startswith("0::"):
            for point, options in cgroup_mounts():
                if not options and os.path.exists(point + line[3:] + "/" + v2_name):
                    return point + line[3:] + "/" + v2_name
    raise AssertionError(f"no hierarchy on this host has the controller {controller}")


def _lines(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return {re.sub(r"\s+", " ", line).strip() for line in done.stdout.splitlines()}


def _processes():
    """Those in namespaces other than ours, and berth's own."""
    ours = os.readlink("/proc/self/ns/pid")
    found = set()
    for pid in pids():
        try:
            foreign = os.readlink(f"/proc/{pid}/ns/pid") != ours
        except OSError:
            continue
        command = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
        if foreign or "berth-supervisor" in command or "berth-keeper" in command:
            found.add(f"{pid} {command[:80]}")
    return found


def _namespaces():
    found = set()
    for pid in pids():
        for kind in NAMESPACES:
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            except OSError:
                pass
    return found


def _mounts():
    return {" ".join(line.split()[3:5]) for line in read("/proc/self/mountinfo").splitlines()}


def _links():
    done = subprocess.run(["ip", "-j", "link"], stdout=subprocess.PIPE, check=True)
    return {link["ifname"] for link in json.loads(done.stdout)}


def _cgroups():
    return {folder for point, _ in cgroup_mounts() for folder, _, _ in os.walk(point)}


def _files():
    """Two levels of the places a program could litter; the roots of the tests lie elsewhere."""
    found = set()
    for top in ("/run", "/var/lib", "/var/run", "/dev/shm", "/etc", "/var/tmp"):
        for folder, folders, files in os.walk(top):
            found.update(os.path.join(folder, name) for name in folders + files)
            if folder.count("/") >= top.count("/") + 1:
                folders.clear()
    # What the machine itself and the tools of the tests (skopeo: containers; iptables: its lock) keep there.
    tools = ("/var/lib/dpkg", "/var/lib/apt", "/var/lib/containers", "/run/user", "/run/xtables.lock", "/var/run/xtables.lock")
    return {path for path in found if not path.startswith(tools)}


def _sockets():
    unix = {line.split()[-1] for line in read("/proc/net/unix").splitlines() if line.split()[-1].startswith("@")}
    return unix | {" ".join(line.split(" ")[:1] + line.split(" ")[4:5]) for line in _lines("ss", "-Hlntu")}


def snapshot():
    """What there is, by kind."""
    return {
        "process": _processes(),
        "namespace": _namespaces(),
        "mount": _mounts(),
        "interface": _links(),
        "route": _lines("ip", "route", "show", "table", "all"),
        "rule": _lines("ip", "rule"),
        "nftables": _lines("nft", "list", "tables"),
        "cgroup": _cgroups(),
        "file": _files(),
        "socket": _sockets(),
    }


def came(before, after):
    """What `after` has and `before` had not, as lines."""
    return [f"{kind}: {thing}" for kind in before for thing in sorted(after[kind] - before[kind])]


def left_in_root(berth):
    """What lies in the parts of the root that hold containers, networks and volumes."""
    found = []
    for part in ("containers", "networks", "volumes"):
        for folder, folders, files in os.walk(os.path.join(berth.root, part)):
            found += [f"{part}: {os.path.join(folder, name)}" for name in folders + files if not name.endswith(".lock")]
    return found


def differences_once_settled(before, berth=None, seconds=8.0):
    """What is left, after giving the supervisor the time to notice that it has nothing to look after any more."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        left = came(before, snapshot()) + (left_in_root(berth) if berth else [])
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)
