"""Engines in turns."""

import subprocess
import sys
import time

from trial import Failed, Lacking

SHARE = 40  # seconds after which a slow engine takes no further turn at a trial


class Turns:
    """Those of one engine at one trial."""

    def __init__(self, run):
        self.run, self.spent, self.figures = run, 0, []

    def take(self):
        started = time.monotonic()
        self.figures.append(self.run.once())
        self.spent += time.monotonic() - started

    def counted(self):
        """The first warms the caches and is thrown away, unless it took so long that there is no other."""
        return self.figures[1:] or self.figures


class Measurement:
    """`samples` by work and engine; `left_out` by the same: why there are none, because an engine cannot do it or has failed."""

    def __init__(self, engines, peers, repeats=None):
        self.engines, self.peers, self.repeats = engines, peers, repeats
        self.samples, self.left_out, self.failures = {}, {}, 0

    def leave_out(self, works, name, why):
        print(f"{', '.join(works)}: {name} is left out: {why}", file=sys.stderr)
        for work in works:
            self.left_out.setdefault(work, {})[name] = why

    def attempt(self, works, name, action):
        """The result of `action`, or None where it fails."""
        try:
            return action()
        except Lacking as why:
            self.leave_out(works, name, str(why))
        except (Failed, OSError, subprocess.SubprocessError) as problem:
            self.failures += 1
            self.leave_out(works, name, f"it failed: {problem}")
        return None

    def participants(self, trial, works):
        for engine in self.engines:
            if trial.needs in engine.lacks:
                self.leave_out(works, engine.name, engine.lacks[trial.needs])
            else:
                yield engine.name, lambda engine=engine: trial(engine)
        for other in trial.others:
            yield other.name, lambda other=other: other(self.peers)

    def measure(self, trial, wanted):
        """In turn: first one engine, then the other, and the other way round the next time, so that a machine that gets slower or
        faster meanwhile does so for all."""
        works = [work for work in trial.works if work in wanted]
        repeats = self.repeats or trial.repeats
        failures = self.failures
        made = [(name, self.attempt(works, name, make)) for name, make in self.participants(trial, works)]
        runs = [Turns(run) for name, run in made if run]
        able = list(runs)
        for turn in range(repeats + 1):  # and one to warm up
            for turns in able if turn % 2 else reversed(able):
                if turns.spent < SHARE:
                    self.attempt(works, turns.run.name, turns.take)
            show_progress(f"{trial.__name__}: {turn} of {repeats}")
            able = [turns for turns in able if len(turns.figures) > turn]
        show_progress("")
        for turns in runs:
            self.attempt(works, turns.run.name, turns.run.finish)
            for figures in turns.counted():
                for work in (work for work in works if work in figures):
                    self.samples.setdefault(work, {}).setdefault(turns.run.name, []).append(figures[work])
        if self.failures > failures:
            for engine in self.engines:
                engine.take_down()


def show_progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
