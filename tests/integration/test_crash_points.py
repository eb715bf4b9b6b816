"""Berth's programs are killed in the middle of what they do, and the next command finds its way.

The normal run tries a sample; `scripts/test --lane crash` each system call that does anything outside of the process.
"""

import glob
import os

from crash_points import EVERY, CrashPoints, Sweeps, strike
from test_pull import RegistryCase


def each_command(case):
    """A test for each command."""
    for command in CrashPoints.COMMANDS:
        setattr(case, f"test_during_{command}", lambda self, command=command: self.sweep_or_sample(2, case.VICTIM, command))
    return case


@each_command
class SupervisorDies(CrashPoints):
    VICTIM = "supervisor"

    def test_at_each_change_of_a_file(self):
        if EVERY > 0:
            return  # among all the others then
        self.sample("files", 24, self.VICTIM, "recreate")


@each_command
class KeeperDies(CrashPoints):
    VICTIM = "keeper"


@each_command
class CommandDies(CrashPoints):
    VICTIM = "command"


@each_command
class BothDie(CrashPoints):
    VICTIM = "both"


@each_command
class BothDieInTheKeeper(CrashPoints):
    VICTIM = "both_at_the_keepers"


class PullDies(RegistryCase, Sweeps):
    def files(self):
        """What the image store holds."""
        return {path for path in glob.glob(f"{self.berth.root}/images/**", recursive=True, include_hidden=True)
                if "/layers/" not in path or path.count("/") <= self.berth.root.count("/") + 4}

    def once(self, which, step, *_):
        self.berth("image", "pull", self.app, check=0)
        whole = self.files()
        self.berth("image", "rm", "-f", self.app, check=0)
        self.berth("image", "prune", "-af", check=0)
        struck = strike(self.berth, ("berth-images", "berth-images,berth"), which, step, "image", "pull", self.app)
        self.berth("image", "pull", self.app, check=0)
        self.assertEqual(whole, self.files())
        ran = os.path.join(self.berth.root, "images/layers")
        self.assertTrue(os.listdir(ran))
        return struck

    def test_during_pull(self):
        self.sweep_or_sample(8, "pull")
