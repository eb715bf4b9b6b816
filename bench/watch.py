#!/usr/bin/python3
"""bench/watch.py [FILES]: what `watch` costs on a large tree (50,000 files), under berth and, where BERTH_BENCH_DOCKER or docker
in PATH says how to call it, Docker Compose.

For each: time from the command to "Watch enabled" with a stack that is up, memory of the watching process (PSS), and the time from
the closing of a file to its being in the container, 30 times; then one burst of 1,000 files. Run it as root.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(REPO, "tests", "integration"))

import busybox  # noqa: E402  pylint: disable=wrong-import-position,import-error

COMPOSE = """
name: benchwatch
services:
  web:
    image: busybox:1
    command: [sleep, "100000"]
    init: true
    develop: {watch: [{path: ./src, action: sync, target: /app}]}
"""
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


def measure(name, compose, folder, environment):
    def run(*arguments):
        subprocess.run([*compose, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    run("up", "-d")
    output = os.path.join(folder, f".{name}.out")
    with open(output, "w", encoding="utf-8") as file:
        begun = time.monotonic()
        with subprocess.Popen([*compose, "watch", "--no-up"], cwd=folder, env=environment, stdout=file, stderr=file) as watch:
            wait_for(lambda: "Watch enabled" in open(output, encoding="utf-8").read())  # pylint: disable=consider-using-with
            started = time.monotonic() - begun
            root = root_of(b"100000")
            latencies = []
            for i in range(31):
                place = f"src/0/0/new-{i}.js"
                with open(os.path.join(folder, place), "w", encoding="utf-8") as new:
                    new.write("x")
                begun = time.monotonic()
                wait_for(lambda: os.path.exists(f"{root}/app/0/0/new-{i}.js"))  # pylint: disable=cell-var-from-loop
                latencies.append(time.monotonic() - begun)
                time.sleep(0.6)
            begun = time.monotonic()
            for i in range(1000):
                with open(os.path.join(folder, f"src/0/0/burst-{i}.js"), "w", encoding="utf-8") as new:
                    new.write("x")
            wait_for(lambda: all(os.path.exists(f"{root}/app/0/0/burst-{i}.js") for i in range(999, -1, -1)))
            burst = time.monotonic() - begun
            memory = memory_of(watch.pid)
            watch.terminate()
    run("down", "-t", "0")
    print(f"{name:8}  watch enabled {started * 1000:6.0f} ms   memory {memory / 1024:6.1f} MB   "
          f"a file {statistics.median(latencies[1:]) * 1000:6.1f} ms (least {min(latencies[1:]) * 1000:.1f})   "
          f"1,000 files {burst * 1000:6.0f} ms", flush=True)


def main():
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
    folder = tempfile.mkdtemp(prefix="berth-bench-")
    try:
        with open(os.path.join(folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(COMPOSE)
        make_tree(folder, files)
        berth = os.environ.get("BERTH", os.path.join(REPO, "build", "berth"))
        environment = {**os.environ, "BERTH_ROOT": f"{folder}/.berth/root", "BERTH_RUN": f"{folder}/.berth/run"}
        subprocess.run([berth, "import", busybox.image_tar(), "busybox:1"], env=environment, check=True, stdout=subprocess.DEVNULL)
        measure("berth", [berth], folder, environment)
        docker = os.environ.get("BERTH_BENCH_DOCKER", "docker").split()
        if shutil.which(docker[0]) and subprocess.run([*docker, "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                                      check=False).returncode == 0:
            with open(busybox.image_tar(), "rb") as tar:
                subprocess.run([*docker, "import", "-", "busybox:1"], stdin=tar, check=True, stdout=subprocess.DEVNULL)
            measure("compose", [*docker, "compose"], folder, dict(os.environ))
        else:
            print("Docker is not there: berth alone was measured")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
