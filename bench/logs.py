"""Output of containers: how fast it is taken, and how fast it is read again."""

import re

from engines import IMAGE
from trial import Trial

LINES, LENGTH = 1_750_000, 120  # with the newline: 210 MB


class Logs(Trial):
    """The writing as the container's own clock sees it. Docker's and Podman's log is unbounded by default; berth's is told to be large
    enough."""

    works = {"logs-write": "a container writes 210 MB in lines of 120 bytes", "logs-read": "`logs` of all that"}
    repeats = 3

    def __init__(self, engine):
        super().__init__(engine)
        line = "x" * (LENGTH - 1)
        script = f"yes {line} | head -{LINES} > /dev/shm/lines; time -p cat /dev/shm/lines"
        self.file = (f"services:\n  s1:\n    image: {IMAGE}\n    command: [sh, -c, '{script}']\n    shm_size: 300m\n"
                     "    logging: {driver: json-file, options: {max-size: 10g}}\n")

    def once(self):
        self.engine.compose(self.file, "up", "-d")
        self.engine.wait_for(self.file, "s1")
        wrote = float(re.search(r"real ([0-9.]+)", self.engine.output(self.file, "logs", "--tail", "3"))[1])
        read = self.engine.compose(self.file, "logs")
        self.engine.compose(self.file, "down", "-t", "0")
        return {"logs-write": wrote, "logs-read": read}
