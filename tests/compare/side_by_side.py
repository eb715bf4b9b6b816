"""Commands on the stack of stack/, each as docker calls it, and what they print (shapes.py)."""

import json
import os
import shlex
import shutil
import subprocess
import time

import shapes

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 60  # s, of anything here

CONFIGURATION = """
compose config
compose config --format json
compose config --no-interpolate
compose config --services
compose config --volumes
compose config --profiles
compose config --images
compose config --hash web
compose --profile debug config --services
compose config web --format json
compose config -q
compose config --variables
compose version --short
compose version --format json
"""

RUNNING = """
compose ps
compose ps -a
compose ps -a --format json
compose ps --format json web
compose ps -q db
compose ps --services
compose ps -a --services
compose ps --status exited --format '{{.Name}} {{.State}} {{.ExitCode}}'
compose ps --filter status=running --services
compose ps --format 'table {{.Service}}\\t{{.Ports}}'
compose ps --no-trunc --format json db
compose ls
compose ls -a --format json
compose ls -q
compose images
compose images --format json
compose images -q web
compose port web 80
compose port web 443 --protocol udp
compose port web 1
compose top db
compose logs --no-color web job
compose stats --no-stream --format json db
compose logs --no-color --no-log-prefix -t job
compose logs --no-color --tail 1 web
compose exec -T web sh -c 'exit 7'
compose exec -T web nothing
compose exec -T web /data
compose run --rm -T job
compose run --rm -T --no-deps db id -u
compose ps nothing
compose exec nothing true
compose kill tool
compose nothing
compose ps --nothing
container ls --filter label=com.docker.compose.project=shapes --format '{{.Names}}'
container ls -a --filter label=com.docker.compose.project=shapes --format '{{json .}}' --filter name=shapes-db
container ls --no-trunc -q --filter name=shapes-web
container ls --filter name=shapes-job-1 -a
container ls --filter name=shapes-web -a --format json
container inspect shapes-web-1
container inspect shapes-db-1
container inspect shapes-job-1
inspect -f '{{.State.Health.Status}}' shapes-db-1
inspect -f '{{json .NetworkSettings.Ports}}' shapes-web-1
inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}}{{println}}{{end}}' shapes-db-1
inspect nothing
container port shapes-web-1
container top shapes-db-1
container stats --no-stream --format json shapes-db-1
container stats --no-stream --format '{{.Name}}' shapes-db-1
container logs shapes-job-1
image ls --filter reference=shapes-made
image ls --filter reference=shapes-made --format json
image ls -q --filter reference=shapes-made
image inspect shapes-made:1
image history --format json shapes-made:1
image history -q shapes-made:1
network ls --filter label=com.docker.compose.project=shapes
network ls --filter name=shapes_back --format json
network ls -q --filter name=shapes_back
network inspect shapes_back
network inspect shapes_default
volume ls -q --filter name=shapes_data
volume ls --filter name=shapes_data
volume ls --filter name=shapes_data --format json
volume inspect shapes_data
system df --format json
compose stop -t 1 web
compose start web
compose restart -t 1 db
compose pause db
compose ps db --format '{{.State}} {{.Status}}'
compose unpause db
"""

AFTER = """
compose down -v
compose down
compose stop
compose rm -f
compose kill
compose ps
compose ls --format json
compose ps -q
compose up --abort-on-container-exit job
compose up --exit-code-from job job
compose up job
compose down -v -t 0
compose -f nowhere.yaml config -q
compose -f broken.yaml config -q
compose -f absent.yaml up -d
compose down -v -t 0
"""


class Engine:
    """Something that is called like docker. The stack is in `folder`, which it sees as `seen`; what it keeps is in `root`."""

    def __init__(self, words_of, folder, seen, root, environment=None):
        self.words_of, self.folder, self.seen, self.environment = words_of, folder, seen, environment
        self.folders = {seen: "<folder>", root: "<root>"}
        shutil.copytree(os.path.join(HERE, "stack"), folder)

    def start(self, words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(self.words_of(words, self.seen), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                text=True, errors="replace", **options)

    def call(self, words):
        """(exit code, stdout, stderr)"""
        with self.start(words) as process:
            try:
                out, err = process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                return "none", process.communicate()[0], f"does not end within {LIMIT} s"
        return process.returncode, out, err


def until(what, condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}")


ANY_ORDER = ("compose config", "container ls", "compose logs")


def text_of(engine, line):
    code, out, err = engine.call(shlex.split(line))
    last = (err.strip().splitlines() or ["nothing"])[-1]
    said = "" if code == 0 else f", stderr: {shapes.lines_of(last, engine.folders)[0]}"
    return [f"$ {line}", *shapes.lines_of(out, engine.folders, line.startswith(ANY_ORDER)), f"exit {code}{said}", ""]


def is_settled(engine):
    """db is well and job has ended."""
    rows = [json.loads(line) for line in engine.call(["compose", "ps", "-a", "--format", "json"])[1].splitlines()]
    state = {row["Service"]: (row["State"], row["Health"]) for row in rows}
    return state.get("db") == ("running", "healthy") and state.get("job", ("",))[0] == "exited"


def events(engine):
    """The first event of each action that stopping, starting and pausing a service brings."""
    path = os.path.join(engine.folder, "events")

    def comes(action, *commands):
        for command in commands:
            engine.call(["compose", *command])
        with open(path, encoding="utf-8") as file:
            return f'"action":"{action}"' in file.read().replace(" ", "")

    with open(path, "w", encoding="utf-8") as file, engine.start(["compose", "events", "--json"], stdout=file) as watch:
        until("events come", lambda: comes("unpause", ["pause", "db"], ["unpause", "db"]) and comes("pause"))
        until("the start is seen", lambda: comes("start", ["kill", "db"], ["start", "db"]))
        watch.terminate()
    with open(path, encoding="utf-8") as file:
        seen = file.read()
    first = {}
    for line in seen.splitlines():
        event = json.loads(line)
        if not event["action"].startswith(("exec", "health")):
            first.setdefault(event["action"], line)
    return ["$ compose events --json", *[line for action in sorted(first) for line in shapes.lines_of(first[action], engine.folders)], ""]


def transcript(engine):
    """What all the commands print, as lines."""
    for name, text in (("broken.yaml", "services: {web: {image: busybox:1, prots: []}}\n"),
                       ("absent.yaml", "services: {web: {image: 'localhost:1/absent:1'}}\n")):
        with open(os.path.join(engine.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    lines = [line for command in CONFIGURATION.strip().splitlines() for line in text_of(engine, command)]
    code, _, err = engine.call(["compose", "up", "-d", "--build"])
    if code != 0:
        raise AssertionError(f"up failed: {err}")
    until("the stack has settled", lambda: is_settled(engine))
    lines += [line for command in RUNNING.strip().splitlines() for line in text_of(engine, command)]
    lines += events(engine)
    lines += [line for command in AFTER.strip().splitlines() for line in text_of(engine, command)]
    return lines
