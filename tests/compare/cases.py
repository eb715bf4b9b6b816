"""The Dockerfiles that are compared: folders below cases/."""

import os
import shutil
import subprocess

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
OLD = "200001010000"  # times of the context: none of them is "now"


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


class Case:
    def __init__(self, name):
        self.name, self.folder = name, os.path.join(FOLDER, name)
        first = read(self.folder + "/Dockerfile").splitlines()[0]
        self.peers = first.split(":", 1)[1].split() if first.startswith("# peers:") else ["buildah", "docker"]
        self.arguments = read(self.folder + "/arguments").split()

    def make_context(self, place):
        """A folder with the Dockerfile and what context.sh makes, all modes and times as it leaves them."""
        os.makedirs(place)
        os.chmod(place, 0o755)
        shutil.copy(self.folder + "/Dockerfile", place)
        script = self.folder + "/context.sh"
        if os.path.exists(script):
            subprocess.run(["bash", "-euc", f"umask 022; source {script}"], cwd=place, check=True)
        subprocess.run(["find", place, "-newermt", "2020-01-01", "-exec", "touch", "-h", "-t", OLD, "{}", "+"], check=True)


def all_cases():
    return [Case(name) for name in sorted(os.listdir(FOLDER)) if os.path.exists(os.path.join(FOLDER, name, "Dockerfile"))]
