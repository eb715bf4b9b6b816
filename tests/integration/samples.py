"""The images of samples/, built by the berth under test on a Debian base that is made once.

What apt installs takes a minute or two, so a built sample is kept as an archive in the cache of scripts/base-image, under a
name that changes with any file of the sample and with the base. test_samples.py builds one of them each time.
"""

import functools
import glob
import hashlib
import os
import shutil
import socket
import subprocess
import unittest
import urllib.parse

from harness import BERTH, REPO

SCRIPT = os.path.join(REPO, "scripts", "base-image")
BUILD_SECONDS = 400


@functools.cache
def base_tar():
    """The path of the root file system of debian:bookworm-slim; made now if the cache has none."""
    done = subprocess.run([SCRIPT, "--tar"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def import_base(berth):
    base_tar()
    subprocess.run([SCRIPT, "--made"], env={**berth.environment, "BERTH": BERTH}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)


@functools.cache
def mirror_answers():
    """Whether this machine reaches the Debian mirror that the base image names."""
    sources = subprocess.run(["tar", "--wildcards", "-xOf", base_tar(), "./etc/apt/sources.list*"], stdout=subprocess.PIPE, text=True, check=True).stdout
    url = urllib.parse.urlsplit(next(word for word in sources.split() if "://" in word))
    try:
        socket.create_connection((url.hostname, url.port or (443 if url.scheme == "https" else 80)), timeout=10).close()
        return True
    except OSError:
        return False


def need_network(what):
    """Where the machine has no network the test says so; where it has one, a build that does not get through it fails."""
    if not mirror_answers():
        raise unittest.SkipTest(f"{what} needs the network: no Debian mirror answers, and the cache has no image built before")


def copy_to(stack, sample):
    """The sample's files become the stack's."""
    shutil.copytree(os.path.join(REPO, "samples", sample), stack.folder, dirs_exist_ok=True)


def _archive(sample):
    digest = hashlib.sha256(os.path.basename(base_tar()).encode())
    for folder, folders, files in os.walk(os.path.join(REPO, "samples", sample)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".md"):
                continue
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                digest.update(f"{path[len(REPO):]} {os.stat(path).st_mode:o} ".encode() + file.read())
    return os.path.join(os.path.dirname(base_tar()), f"sample-{sample}-{digest.hexdigest()[:12]}.tar")


def bring_images(stack, sample):
    """Copies the sample to the stack, whose name it has, and its images into the stack's root: from the cache, else built."""
    copy_to(stack, sample)
    archive = _archive(sample)
    if os.path.exists(archive):
        stack("load", "-i", archive, check=0)
        return
    need_network(f"building samples/{sample}")
    import_base(stack.berth)
    stack("build", check=0, timeout=BUILD_SECONDS)
    images = sorted({row["Repository"] for row in stack("image", "ls", "--format", "json", check=0).json()
                     if row["Repository"].startswith(stack.name + "-")})
    for old in glob.glob(os.path.join(os.path.dirname(archive), f"sample-{sample}-*")):
        os.unlink(old)
    stack("save", "-o", archive + ".part", *images, check=0)
    os.rename(archive + ".part", archive)
