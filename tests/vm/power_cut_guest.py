#!/usr/bin/python3
"""tests/vm/power_cut_guest.py first|after|rebooted DURABLE WORK MOMENT: one life of the machine of tests/vm/power_cut.

Checks what the life before left on the disk (DURABLE: the last line that a container had synced), says "checked", begins
WORK, and after MOMENT changes below berth's root says "cut DURABLE" and waits for the end.

What is promised is in docs/decisions/0007-state-files-are-not-synced.md: what volumes and images held stays; records of
containers and networks may be torn, and berth then makes them anew. "rebooted": all had been synced when the power went, so
what the unit of `berth system install-unit` runs at boot brings back what its restart policy says.
"""

import glob
import hashlib
import json
import os
import random
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
import harness  # noqa: E402 (after the path is set)
import host  # noqa: E402
import registries  # noqa: E402

DISK = "/vm-tmp"
ROOT, STOCK = f"{DISK}/root", f"{DISK}/stock"  # berth's; what is synced before anything else happens
HOME = "/power/home"  # of the project: the same in each life
TOLD = "/power/told"  # where the container says what it has synced; in memory, as is all but the disk
IMAGE = "content:1"
FILES = 30
COMPOSE = """
    services:
      writer:
        image: content:1
        command:
          - sh
          - -c
          - |
            touch /data/log
            i=$$(wc -l </data/log)
            while :; do i=$$((i+1)); echo $$i >>/data/log; sync /data/log; echo $$i >/told/next; mv /told/next /told/line; done
        stop_grace_period: 0s
        network_mode: none
        volumes: ["data:/data", "/power/told:/told"]
      reader:
        image: content:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        volumes: ["/content"]
      always:
        image: content:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        network_mode: none
        restart: always
    volumes: {data: }
    """


def require(condition, what):
    if not condition:
        raise AssertionError(what)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def drop_torn_records():
    """What a cut may leave of a container: berth names it, and a person removes it (docs/decisions/0007), since its
    writable layer may hold something. Until then no image is pruned."""
    for folder in glob.glob(f"{ROOT}/containers/*"):
        try:
            json.loads(read(f"{folder}/config.json"))
        except (OSError, ValueError):
            subprocess.run(["rm", "-rf", folder], check=True)


def digest_of(folder):
    """Of names, kinds, modes and contents of all that is in the folder."""
    total = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(place, name)
            status = os.lstat(path)
            total.update(f"{os.path.relpath(path, folder)} {status.st_mode:o}\n".encode())
            if os.path.islink(path):
                total.update(os.readlink(path).encode())
            elif os.path.isfile(path):
                total.update(read(path))
    return total.hexdigest()


class Life:
    def __init__(self):
        for folder in (ROOT, STOCK, HOME, TOLD):
            os.makedirs(folder, exist_ok=True)
        self.before = host.snapshot()
        self.berth = harness.Berth()
        self.berth.home, self.berth.root = HOME, ROOT
        self.berth.environment["BERTH_ROOT"] = ROOT
        self.berth.environment["COMPOSE_PROGRESS"] = "plain"  # on a terminal it would end in the middle of a line
        self.stack = harness.Stack(self.berth, COMPOSE, "power")

    # --- the first life

    def make_stock(self):
        """The image in all forms in which it can come, and what its layers must look like unpacked."""
        context = os.path.join(self.berth.home, "context")
        os.makedirs(f"{context}/content")
        for number in range(FILES):
            with open(f"{context}/content/{number}", "wb") as file:
                file.write(random.Random(number).randbytes(4000 * number))
        with open(f"{context}/Dockerfile", "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\nCOPY content /content\n")
        self.berth.import_busybox()
        self.berth("image", "build", "-t", IMAGE, context, check=0)
        self.berth("save", "-o", f"{STOCK}/image.tar", IMAGE, check=0)
        registry = registries.Registry(storage=f"{STOCK}/registry")
        self.berth("tag", IMAGE, f"{registry.host}/{IMAGE}", check=0)
        self.berth("image", "push", f"{registry.host}/{IMAGE}", check=0)
        registry.stop()
        expected = {"layers": {name: digest_of(fs) for name, fs in self.layers()}, "content": digest_of(f"{context}/content")}
        with open(f"{STOCK}/expected.json", "w", encoding="utf-8") as file:
            json.dump(expected, file)
        self.stack.up()
        os.sync()

    # --- what must be true after a cut

    @staticmethod
    def layers():
        """(diff id, folder) of each unpacked layer that is taken for complete."""
        for folder in sorted(glob.glob(f"{ROOT}/images/layers/*/fs")):
            name = os.path.basename(os.path.dirname(folder))
            if not name.startswith(".tmp-"):
                yield name, folder

    def check_resumed(self):
        self.berth("system", "resume", check=0)
        states = {service: row["State"] for service, row in self.stack.ps().items()}
        require(states == {"always": "running", "reader": "exited", "writer": "exited"}, f"after the boot: {states}")

    def check(self, durable):
        self.check_images()
        self.check_written(durable)
        self.stack("ps", "-a", check=0)
        self.berth("system", "df", check=0)
        if self.berth("image", "inspect", IMAGE).code != 0:
            self.berth("load", "-i", f"{STOCK}/image.tar", check=0)
        self.stack.up()
        self.check_runs()
        self.stack("down", check=0)
        left = host.differences_once_settled(self.before)
        require(not left, f"left behind: {left}")
        self.stack.up()
        self.check_runs()
        self.check_images()

    def check_images(self):
        expected = json.loads(read(f"{STOCK}/expected.json"))
        for path in glob.glob(f"{ROOT}/images/blobs/sha256/*"):
            name = os.path.basename(path)
            require(name.startswith(".tmp-") or hashlib.sha256(read(path)).hexdigest() == name, f"blob {name} is not itself")
        for name, folder in self.layers():
            require(expected["layers"].get(name) == digest_of(folder), f"layer {name} is not complete")
        for row in self.berth("image", "ls", "--format", "json", check=0).json():
            self.berth("save", "-o", f"{HOME}/saved.tar", row["ID"], check=0)

    def check_written(self, durable):
        """Every line that was synced is there; the next life goes on behind them."""
        (path,) = glob.glob(f"{ROOT}/volumes/*/_data/log")
        lines = read(path).decode(errors="replace").split("\n")[:durable]
        require(lines == [str(number + 1) for number in range(durable)], f"of {durable} synced lines there are: {lines[-5:]}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def check_runs(self):
        expected = json.loads(read(f"{STOCK}/expected.json"))
        require({row["State"] for row in self.stack.ps().values()} == {"running"}, f"not all runs: {self.stack.ps()}")
        self.stack.exec("writer", "true")
        identifier = self.stack.ps()["reader"]["ID"]
        (record,) = glob.glob(f"{ROOT}/containers/{identifier}*/config.json")
        (volume,) = json.loads(read(record))["anonymous_volumes"]
        require(digest_of(f"{ROOT}/volumes/{volume}/_data") == expected["content"], f"what was copied to {volume} is not complete")

    # --- works

    def work(self, name):
        """What WORK begins with, done; and the command that is cut."""
        if name == "up":
            self.stack("rm", "-fsv", check=0)
            self.stack("down", check=0)
            return ["up", "-d"]
        if name == "recreate":
            return ["up", "-d", "--force-recreate"]
        if name == "down":
            return ["down"]
        if name == "nothing":
            return ["version"]
        self.stack("rm", "-fsv", check=0)
        drop_torn_records()
        self.berth("image", "prune", "-a", "-f", check=0)
        if name == "load":
            return ["load", "-i", f"{STOCK}/image.tar"]
        registry = registries.Registry(storage=f"{STOCK}/registry")  # ends with the power
        return ["image", "pull", f"{registry.host}/{IMAGE}"]

    def begin(self, name, moment):
        """Returns at the moment of the cut. A command that came back before must have succeeded."""
        command = self.work(name)
        os.sync()
        seen, changes = self.listing(), 0
        with subprocess.Popen([harness.BERTH, *command], cwd=self.stack.folder, env=self.berth.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and (moment == 0 or changes < moment):
                now = self.listing()
                changes += now != seen
                seen = now
            if process.poll() is None:
                return
        require(process.returncode == 0, f"{command}: exit {process.returncode}")

    @staticmethod
    def listing():
        places = [ROOT, *(f"{ROOT}/{part}" for part in ("containers", "networks", "volumes", "images", "images/blobs/sha256",
                                                       "images/layers"))]
        places += glob.glob(f"{ROOT}/containers/*")
        found = []
        for place in places:
            try:
                found.append(sorted(os.listdir(place)))
            except OSError:  # not made yet, or gone
                found.append([])
        return found


def main(life_number, durable, work, moment):
    life = Life()
    if life_number == "first":
        life.make_stock()
    else:
        if life_number == "rebooted":
            life.check_resumed()
        life.check(int(durable))
    print("checked", flush=True)
    life.begin(work, int(moment))
    told = f"{TOLD}/line"
    print("cut", int(read(told)) if os.path.exists(told) else durable, flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
