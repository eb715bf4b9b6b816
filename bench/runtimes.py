"""Runtimes alone, without images, networks or logs: what starting `true` in a container takes them."""

import json
import os
import subprocess
import sys
import time

import busybox


class Runtime:
    """`once()` gives the seconds of a run, or nothing where the runtime does not work on this kernel."""

    def __init__(self, peers):
        self.peers, self.engine = peers, self  # it has a name, as engines have
        self.bundle = peers.write(os.path.join("bundle", self.name), "README", "for bench/run\n")
        root = os.path.join(peers.root, self.bundle[1:], "root")
        os.makedirs(root, exist_ok=True)
        subprocess.run(["tar", "-xf", busybox.image_tar(), "-C", root], check=True)
        self.prepare()
        problem = self.run().stderr
        self.works = not problem
        if problem:
            print(f"oneoff: {self.name} is left out: {problem.strip()}", file=sys.stderr)

    def prepare(self):
        """As the runtime's own `spec` command says, but for the command."""
        path = os.path.join(self.peers.root, self.bundle[1:], "config.json")
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run([*self.peers.inside, self.name, "spec", "--bundle", self.bundle], check=True)
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update({"terminal": False, "args": ["true"]})
        config["root"]["path"] = "root"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)

    def command(self):
        return [self.name, "run", "--bundle", self.bundle, "bench"]

    def run(self):
        return subprocess.run([*self.peers.inside, *self.command()], env=self.peers.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)

    def once(self):
        if not self.works:
            return {}
        started = time.perf_counter()
        done = self.run()
        took = time.perf_counter() - started
        if done.returncode != 0:
            sys.exit(f"{self.name}: exit {done.returncode}\n{done.stderr}")
        return {"oneoff": took}

    def finish(self):
        pass


class Runc(Runtime):
    name = "runc"


class Crun(Runtime):
    name = "crun"


class Bubblewrap(Runtime):
    name = "bwrap"

    def prepare(self):
        pass

    def command(self):
        return ["bwrap", "--ro-bind", f"{self.bundle}/root", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "/bin/true"]
