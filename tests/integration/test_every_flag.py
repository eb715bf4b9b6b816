"""Every command and flag that the program has is in a test that fails without it: tests/flags/run has asked the tests, and
witnesses.txt says which. What is new has no line there yet."""

import os
import sys
import unittest

from harness import REPO, Berth

sys.path.append(os.path.join(REPO, "tests", "flags"))

import flags  # noqa: E402 (after the path is set)

NONE_YET = "none yet"  # as tests/flags/run writes it


class EveryFlag(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        berth = Berth()
        cls.addClassCleanup(berth.discard)
        cls.things = flags.Table(berth("__flags", check=0).out).things
        with open(os.path.join(REPO, "tests", "flags", "witnesses.txt"), encoding="utf-8") as file:
            cls.witnesses = dict(line.rstrip("\n").split("\t") for line in file)

    def test_each_has_a_test_that_fails_without_it(self):
        missing = [thing for thing in self.things if self.witnesses.get(thing, NONE_YET) == NONE_YET]
        self.assertEqual([], missing, "no test is known to fail without these: write one, then let tests/flags/run find it")

    def test_none_is_named_that_the_program_does_not_have(self):
        self.assertEqual([], sorted(set(self.witnesses) - set(self.things)))

    def test_those_tests_are_there(self):
        tests = set()
        for suite in unittest.defaultTestLoader.discover(os.path.join(REPO, "tests", "integration"), "test_*.py"):
            for cases in suite:
                tests.update(case.id() for case in cases)
        named = {witness for witness in self.witnesses.values() if witness != NONE_YET and not witness.startswith("because ")}
        self.assertEqual([], sorted(named - tests))
