"""Where figures come from: the machine and what ran on it."""

import datetime
import os
import platform
import re
import shutil
import subprocess

import host
from engines import BERTH, REPO


def said(*command):
    """The first line of its output, or nothing."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.partition("\n")[0].strip()


def field(path, name):
    found = re.search(rf"^{name}\s*[:=]\s*\"?([^\"\n]*)", host.read(path), re.MULTILINE)
    return found[1] if found else ""


def number(text):
    """The version's alone."""
    found = re.search(r"\d+\.\d[^\s,]*", text)
    return found[0] if found else text


def description(engines, peers):
    """Taken before the measurement: `load` says whether the machine was quiet."""
    versions = {"berth": said(BERTH, "version"), **(peers.versions() if peers else {})}
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "model": field("/proc/cpuinfo", "model name") or platform.machine(), "processors": os.cpu_count(),
            "memory": int(field("/proc/meminfo", "MemTotal").split()[0]) << 10, "kernel": platform.release(),
            "system": field("/etc/os-release", "PRETTY_NAME"), "load": round(os.getloadavg()[0], 2),
            "file systems": {engine.name: said("findmnt", "--noheadings", "--output", "FSTYPE", "--target", engine.storage) for engine in engines},
            "commit": said("git", "-C", REPO, "describe", "--always", "--dirty"),
            "versions": {name: number(text) for name, text in versions.items() if text}}
