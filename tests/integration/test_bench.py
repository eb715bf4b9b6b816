"""The measurements of bench/ come to their end, and what they write can be drawn."""

import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from harness import BERTH, Case

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
MARKS = ("<!-- bench/plot writes this -->\n", "<!-- up to here -->\n")


def measured(figures, unit):
    """Two engines' samples as bench/run keeps them."""
    return {"what": "something", "unit": unit,
            "engines": {engine: {"median": value, "min": value, "max": value, "samples": [value, value], **({"ratio": ratio} if ratio else {})}
                        for engine, (value, ratio) in figures.items()}}


class Bench(Case):
    def plot(self, results):
        """The document with what was written between its marks, and the folder with the pictures."""
        new = tempfile.mkdtemp(dir=self.berth.home)
        file, folder, document = (os.path.join(new, name) for name in ("results.json", "pictures", "document.md"))
        with open(file, "w", encoding="utf-8") as out:
            json.dump(results, out)
        with open(document, "w", encoding="utf-8") as out:
            out.write("before\n" + MARKS[0] + "old\n" + MARKS[1] + "after\n")
        subprocess.run([os.path.join(BENCH, "plot"), file, folder, document], check=True)
        with open(document, encoding="utf-8") as written:
            return written.read(), folder

    def test_what_is_measured_is_told_with_the_machine_and_drawn(self):
        file = os.path.join(self.berth.home, "measured.json")
        works = ["up-1", "ps-1", "logs-1", "down-1", "up-10", "exec", "config-10", "memory-1"]
        done = subprocess.run([os.path.join(BENCH, "run"), "-n", "1", "--engine", "berth", "--json", file, *works], capture_output=True,
                              text=True, check=False, env={**os.environ, "BERTH": BERTH, "TMPDIR": self.berth.home})
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        with open(file, encoding="utf-8") as text:
            results = json.load(text)
        self.assertEqual(set(works), set(results["results"]))
        self.assertEqual(os.cpu_count(), results["machine"]["processors"])
        document, folder = self.plot(results)
        self.assertTrue(document.startswith("before\n" + MARKS[0]) and document.endswith(MARKS[1] + "after\n"), document)
        self.assertNotIn("old\n", document)
        for work in works:
            self.assertIn(f"| `{work}` |", document)
        for picture in ("growth", "stacks", "single", "costs"):
            self.assertIn(f"(pictures/{picture}.svg)", document)
            ElementTree.parse(os.path.join(folder, f"{picture}.svg"))

    def test_ratios_say_how_many_times_better_also_where_more_is_better(self):
        run = ("import sys; sys.path.insert(0, sys.argv[1]); import json, report; print(json.dumps(report.summary("
               "{'a': {'berth': [2], 'docker': [8]}, 'b': {'berth': [2e9], 'docker': [1e9]}}, {'a': ('x', 's'), 'b': ('x', 'bit/s')})))")
        done = subprocess.run(["python3", "-B", "-c", run, BENCH], stdout=subprocess.PIPE, check=True)
        results = json.loads(done.stdout)
        self.assertEqual((4, 2), tuple(results[work]["engines"]["docker"]["ratio"] for work in "ab"))

    def test_what_was_left_out_has_its_reason_below_the_table(self):
        machine = {"date": "today", "model": "this", "processors": 2, "memory": 1 << 30, "kernel": "6", "system": "Debian", "load": 0,
                   "file systems": {}, "versions": {}, "commit": "0"}
        document, folder = self.plot({"machine": machine, "left out": {"dns": {"podman": "it has no names", "crun": "it is old"}},
                                      "results": {"dns": measured({"berth": (4000, None), "docker": (1000, 4)}, "queries/s")}})
        self.assertIn("| 4,000/s (4,000/s – 4,000/s) | 1,000/s (1,000/s – 1,000/s), **4.0×** | [1] | crun [2] |", document)
        self.assertIn("[1] it has no names", document)
        self.assertIn("[2] it is old", document)
        self.assertEqual(["rates.svg"], os.listdir(folder))


if __name__ == "__main__":
    unittest.main()
