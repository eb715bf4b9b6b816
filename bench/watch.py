#!/usr/bin/python3
"""bench/watch.py [FILES]: what `watch` costs on a large tree (50,000 files), under berth and, where there is one, Docker Compose
(BERTH_BENCH_DOCKER: the words before `compose`; BERTH_BENCH_DOCKER_ROOT: where its files begin, if that is a chroot).

For each: time from the command to "Watch enabled" with a stack that is up, memory of the watching process (PSS), and the time from
the closing of a file to its being in the container, 30 times; then one burst of 1,000 files. Run it as root.
"""

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(REPO, "tests", "integration"))

import busybox  # noqa: E402  pylint: disable=wrong-import-position,import-error

SLEEP = "104729"  # by which the container's process is found
COMPOSE = """
name: benchwatch
services:
  web:
    image: benchwatch:1
    command: [sleep, "%s"]
    init: true
    develop: {watch: [{path: FOLDER/src, action: sync, target: /app}]}
""" % SLEEP
FILES_IN_A_FOLDER = 50


def make_tree(folder, files):
    for i in range(0, files, FILES_IN_A_FOLDER):
        directory = os.path.join(folder, f"src/{i // 5000}/{i}")
        os.makedirs(directory)
        for j in range(i, min(i + FILES_IN_A_FOLDER, files)):
            with open(os.path.join(directory, f"module-{j}.js"), "w", encoding="utf-8") as file:
                file.write(f"export const value = {j};\n")


def memory_of(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("it did not happen")
        time.sleep(0.0005)


def root_of(mark):
    """The root of the process with that word in its command line, `sleep`."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() == b"sleep\0" + mark + b"\0":
                    return f"/proc/{pid}/root"
        except OSError:
            continue
    raise SystemExit("the container does not run")


def measure(name, command, folder, compose, environment):
    def run(*words):
        subprocess.run([*command, "-f", "-", *words], input=compose, text=True, env=environment, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def has(file):
        return os.path.exists(f"{root}/app/0/0/{file}")

    run("up", "-d")
    root = root_of(SLEEP.encode())
    output = os.path.join(folder, f"{name}.out")
    with open(output, "w", encoding="utf-8") as file:
        begun = time.monotonic()
        with subprocess.Popen([*command, "-f", "-", "watch", "--no-up"], env=environment, text=True, stdin=subprocess.PIPE, stdout=file,
                              stderr=file) as watch:
            watch.stdin.write(compose)
            watch.stdin.close()
            wait_for(lambda: "enabled" in text_of(output).lower())
            started = time.monotonic() - begun
            latencies = []
            for i in range(31):
                write(f"{folder}/src/0/0/new-{i}.js")
                begun = time.monotonic()
                wait_for(lambda: has(f"new-{i}.js"))  # pylint: disable=cell-var-from-loop
                latencies.append(time.monotonic() - begun)
                time.sleep(0.6)
            begun = time.monotonic()
            for i in range(1000):
                write(f"{folder}/src/0/0/burst-{i}.js")
            wait_for(lambda: all(has(f"burst-{i}.js") for i in range(999, -1, -1)))
            burst = time.monotonic() - begun
            memory = sum(memory_of(pid) for pid in [watch.pid, *children_of(watch.pid)])
            watch.terminate()
    run("down", "-t", "0")
    print(f"{name:8}  watch enabled {started * 1000:6.0f} ms   memory {memory / 1024:6.1f} MB   "
          f"a file {statistics.median(latencies[1:]) * 1000:6.1f} ms (least {min(latencies[1:]) * 1000:.1f})   "
          f"1,000 files {burst * 1000:6.0f} ms", flush=True)


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("x")


def children_of(parent):
    """A docker command has Compose as a child."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(text_of(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(pid))
        except OSError:
            continue
    return found


def main():
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
    docker_root = os.environ.get("BERTH_BENCH_DOCKER_ROOT", "")
    folder = tempfile.mkdtemp(prefix="berth-bench-", dir=f"{docker_root}/var/tmp")
    try:
        make_tree(folder, files)
        berth = os.environ.get("BERTH", os.path.join(REPO, "build", "berth"))
        environment = {**os.environ, "BERTH_ROOT": f"{folder}/berth/root", "BERTH_RUN": f"{folder}/berth/run"}
        subprocess.run([berth, "import", busybox.image_tar(), "benchwatch:1"], env=environment, check=True, stdout=subprocess.DEVNULL)
        measure("berth", [berth], folder, COMPOSE.replace("FOLDER", folder), environment)
        docker = shlex.split(os.environ.get("BERTH_BENCH_DOCKER", "docker"))
        if not shutil.which(docker[0]):
            print("no Docker here (PATH, BERTH_BENCH_DOCKER): berth alone")
            return
        with open(busybox.image_tar(), "rb") as tar:
            subprocess.run([*docker, "import", "-", "benchwatch:1"], stdin=tar, check=True, stdout=subprocess.DEVNULL)
        measure("compose", [*docker, "compose"], folder, COMPOSE.replace("FOLDER", folder.removeprefix(docker_root)), dict(os.environ))
        subprocess.run([*docker, "image", "rm", "-f", "benchwatch:1"], check=False, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
