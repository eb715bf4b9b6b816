#!/usr/bin/python3
"""Reads the output of `ctest -V` from standard input; prints "PASSED FAILED", counted in Catch2 test cases.

A program that is not Catch2's counts as one test; one that crashed, or failed without saying which case, as one failure more.
"""

import re
import sys

cases = {}  # number of the ctest test → [passed, failed], as Catch2 summed up
passed = failed = 0
for line in sys.stdin:
    if match := re.match(r"(\d+): All tests passed \(.* in (\d+) test cases?\)", line):
        cases[match[1]] = [int(match[2]), 0]
    elif match := re.match(r"(\d+): test cases: +\d+", line):
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed)", line)}
        cases[match[1]] = [counts.get("passed", 0), counts.get("failed", 0)]
    elif match := re.match(r"\s*\d+/\d+ Test +#(\d+): \S+ \.+ *(\*\*\*)?", line):
        good, bad = cases.pop(match[1], [0 if match[2] else 1, 0])
        passed += good
        failed += bad or (1 if match[2] else 0)
print(passed, failed)
