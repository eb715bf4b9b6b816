"""Commands and flags as `berth __flags` tells them, found in command lines and taken out of them.

A thing is what a test is asked for: "berth up" (the command) or "berth up -d,--detach" (a flag by all its names).
"""

import os
import sys

UNKNOWN = "no-such-word"  # what stands in the place of a command, or of a flag that has no effect anyway


class Command:
    def __init__(self, prefix):
        self.prefix = prefix  # what begins with its first argument is another program's
        self.flags = {}  # name → (thing, takes a value, is taken without effect)


class Table:
    """What `berth __flags` has printed."""

    def __init__(self, text):
        self.commands, self.things = {}, []
        for line in text.splitlines():
            kind, path, *names = line.split("\t")
            words = "berth " + path if path else "berth"
            if kind in ("command", "prefix"):
                self.commands[path] = Command(kind == "prefix")
                self.things.append(words)
                continue
            thing = f"{words} {names[0]}"
            self.things.append(thing)
            for name in names[0].split(","):
                self.commands[path].flags[name] = (thing, "value" in kind, "taken" in kind)
        # A noun does nothing by itself, and what prints help is the same for all commands: test_help.py asks each of them.
        nouns = {"berth"} | {"berth " + path.rpartition(" ")[0] for path in self.commands if " " in path}
        self.things = [thing for thing in self.things if thing not in nouns and not thing.endswith("--help")]

    def parse(self, words):
        """The things in a command line without its program, each with where it stands:
        (thing, index of its word, letter's place in that word or None, number of words it takes)."""
        path, at, found, arguments = "", 0, [], False
        if words[:1] == ["compose"]:
            at = 1
        while at < len(words) and words[at] != "--":
            word, command = words[at], self.commands[path]
            if not word.startswith("-") or word == "-":
                below = f"{path} {word}".strip()
                if not arguments and below in self.commands:
                    path = below
                    found.append(("berth " + path, at, None, 1))
                elif command.prefix:
                    break
                else:
                    arguments = True
                at += 1
            elif word.startswith("--"):
                name, equals, _ = word.partition("=")
                thing, value, _ = command.flags.get(name, (None, False, False))
                size = 2 if value and not equals else 1
                if thing:
                    found.append((thing, at, None, size))
                at += size
            else:
                at += self._letters(command, words, at, found)
        return found

    @staticmethod
    def _letters(command, words, at, found):
        word = words[at]
        for place, letter in enumerate(word[1:], 1):
            thing, value, _ = command.flags.get("-" + letter, (None, False, False))
            if thing is None:
                break
            if value or word[place + 1:place + 2] == "=":
                size = 2 if place + 1 == len(word) else 1
                found.append((thing, at, place, size))
                return size
            found.append((thing, at, place, 1))
        return 1

    def without(self, words, thing):
        """The command line as it would be if `thing` were not there: a flag is gone; a command, or a flag that has no effect
        anyway, is a word that berth does not know."""
        words = list(words)
        taken = any(thing == known and without_effect for command in self.commands.values()
                    for known, _, without_effect in command.flags.values())
        for known, at, place, size in reversed(self.parse(words)):
            if known != thing:
                continue
            if " -" not in thing:
                words[at] = UNKNOWN
            elif taken:
                words[at] = "--" + UNKNOWN
            elif place is None:
                del words[at:at + size]
            else:
                takes_rest = size == 2 or self._takes_rest(words[at], place, thing)
                rest = words[at][:place] + ("" if takes_rest else words[at][place + 1:])
                words[at:at + size] = [rest] if rest != "-" else []
        return words

    def _takes_rest(self, word, place, thing):
        value = any(known == thing and takes for command in self.commands.values() for known, takes, _ in command.flags.values())
        return value or word[place + 1:place + 2] == "="


def stand_in(script):
    """What runs in the place of a program of berth: notes the things of its command line, or leaves one out, and becomes the
    program. Its folder has `table`, `programs` (where the program is), and `without` (the thing) or `uses` (a log)."""
    folder = os.path.dirname(os.path.realpath(script))
    name = os.path.basename(os.path.realpath(script))

    def read(file):
        try:
            with open(os.path.join(folder, file), encoding="utf-8") as opened:
                return opened.read()
        except FileNotFoundError:
            return None

    table = Table(read("table"))
    before = ["oci"] if name == "berth-oci" else []
    words = before + sys.argv[1:]
    without = read("without")
    if without:
        words = table.without(words, without)
    else:
        test = read("/run/berth-test") or "-"
        with open(os.path.join(folder, "uses"), "a", encoding="utf-8") as log:
            log.write("".join(f"{test}\t{thing}\n" for thing in {found[0] for found in table.parse(words)}))
    # As it was before Python set a locale of its own.
    with open("/proc/self/environ", "rb") as file:
        environment = dict(item.split(b"=", 1) for item in file.read().split(b"\0") if b"=" in item)
    os.execve(os.path.join(read("programs"), name), [script, *words[len(before):]], environment)
