"""Runtimes alone, without images, networks or logs: what starting `true` in a container takes them."""

import json
import os
import subprocess

import busybox

from engines import BERTH, timed
from trial import Lacking, Trial


class Runtime(Trial):
    """One of the peers', with a bundle in their root."""

    speaker = None  # the runtime whose `spec` command says what is in the bundle

    def __init__(self, peers):
        super().__init__(self)
        if peers is None:
            raise Lacking("it is one of the peers (--peers)")
        self.peers = peers
        self.ours, self.bundle = peers.folder(os.path.join("bundle", self.name))
        root = os.path.join(self.ours, "root")
        os.makedirs(root, exist_ok=True)
        subprocess.run(["tar", "-xf", busybox.image_tar(), "-C", root], check=True)
        if self.speaker:
            self.write_config()
        tried = subprocess.run(self.command(), env=self.peers.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, check=False)
        if tried.returncode or tried.stderr:
            raise Lacking(tried.stderr.strip())

    def write_config(self):
        """As the runtime says, but for the command."""
        path = os.path.join(self.ours, "config.json")
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run([*self.peers.inside, self.speaker, "spec", "--bundle", self.bundle], check=True)
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update({"terminal": False, "args": ["true"]})
        config["root"]["path"] = "root"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)

    def command(self):
        return [*self.peers.inside, self.name, "run", "--bundle", self.bundle, "bench"]

    def once(self):
        return {"oneoff": timed(self.command(), env=self.peers.environment)}


class Runc(Runtime):
    name = speaker = "runc"


class Crun(Runtime):
    name = speaker = "crun"


class BerthOci(Runtime):
    """berth's own, from here: it has nothing to do in the peers' root."""

    name, speaker = "berth-oci", "runc"

    def command(self):
        return [os.path.join(os.path.dirname(BERTH), "berth-oci"), "run", "--bundle", self.ours, "bench"]


class Bubblewrap(Runtime):
    name = "bwrap"

    def command(self):
        return [*self.peers.inside, "bwrap", "--ro-bind", f"{self.bundle}/root", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "/bin/true"]
