"""Help, manual, completion, and what is said of words that no command knows."""

import json
import os
import re
import subprocess
import unittest

from harness import BERTH, Berth, Stack
from terminal import Terminal

SHOP = """
    name: shop
    services:
      web: {image: nginx}
      worker: {image: worker}
      debug: {image: debug, profiles: [debug]}
    """


class Help(unittest.TestCase):
    """Nothing is started, so there is nothing to look for on the host."""

    @classmethod
    def setUpClass(cls):
        cls.berth = Berth()
        cls.addClassCleanup(cls.berth.discard)
        cls.shop = Stack(cls.berth, SHOP, "shop")
        cls.berth.environment["PATH"] = os.path.dirname(os.path.abspath(BERTH)) + ":" + os.environ["PATH"]
        cls.manual = cls.berth("man", check=0).out

    def complete(self, *words):
        return [line.split("\t")[0] for line in self.shop("__complete", *words, check=0).out.splitlines()]

    def commands(self):
        """Of all commands and nouns the words, from the manual."""
        return [heading.replace("\\", "").split() for heading in re.findall(r"(?m)^\.SS (.*)$", self.manual)]

    def test_every_command_has_examples_with_flags_that_it_has(self):
        commands = self.commands()
        self.assertGreater(len(commands), 90)
        nouns = {tuple(command[:-1]) for command in commands if len(command) > 1}
        global_flags = self.berth("--help", check=0).out
        for command in commands:
            if tuple(command) in nouns or command[0] == "oci":  # its help is berth-oci's own
                continue
            help_text = self.berth(*command, "--help", check=0).out
            help_text, _, example_text = help_text.partition("\nExamples:\n")
            examples = re.findall(r"(?m)^  (berth .*)\n      \S", example_text)
            self.assertTrue(examples, f"no examples in the help of {command}")
            for example in examples:
                words = example.split()
                self.assertEqual(command, words[1 : len(command) + 1], example)
                own = words[len(command) + 1 :]
                if command[-1] in ("exec", "run"):  # what follows the service is another program's
                    own = own[: next((i for i, word in enumerate(own) if not word.startswith("-")), len(own))]
                for flag in (word for word in own if word.startswith("-") and word != "-"):
                    for one in [flag.split("=")[0]] if flag.startswith("--") else ["-" + letter for letter in flag[1:] if letter.isalpha()]:
                        self.assertRegex(help_text + global_flags, rf"(?m)(^|[ ,]){re.escape(one)}\b", example)

    def test_the_manual_is_what_groff_reads_without_a_warning(self):
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=self.manual, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=True)
        self.assertEqual("", done.stderr)
        text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)  # bold
        for part in ("NAME", "SYNOPSIS", "berth up -d --wait", "Examples:", "-d, --detach", "EXIT STATUS"):
            self.assertIn(part, text)

    def test_unknown_commands_name_the_nearest_below_every_noun(self):
        for command in self.commands():
            if command[0] == "oci":
                continue
            typo = [*command[:-1], command[-1] + "x"]
            outcome = self.berth(*typo)
            self.assertEqual(1, outcome.code, typo)
            self.assertIn(f'has no command "{typo[-1]}"', outcome.err)
            if len(command[-1]) > 3:
                self.assertRegex(outcome.err, rf'did you mean "{command[-1]}s?"', typo)

    def test_unknown_flags_name_the_nearest_or_where_they_belong(self):
        def error(*words):
            outcome = self.shop(*words)
            self.assertEqual((1, ""), (outcome.code, outcome.out))
            return outcome.err

        self.assertEqual('error: berth up: unknown flag: --detahc\n  hint: did you mean "--detach"?\n', error("up", "--detahc"))
        self.assertIn('did you mean "--format"', error("image", "ls", "--fromat=json"))
        self.assertIn("berth ps: unknown flag: -Z\n  hint: `berth ps --help` lists them", error("ps", "-Z"))
        self.assertIn("it stands before the command: berth --profile ... up", error("up", "--profile", "x"))
        self.assertIn('did you mean "--project-name"?', error("--project-nam", "x", "ps"))
        self.assertIn('berth version takes no argument "x"', error("version", "x"))
        self.assertNotIn("\x1b", error("up", "--\x1b[2J"))

    def test_what_may_come_depends_on_what_stands_there(self):
        self.assertEqual(["update", "up", "unpause"], sorted(self.complete("u"), reverse=True))
        self.assertIn("ls", self.complete("image", ""))
        self.assertEqual(["--detach"], self.complete("up", "--deta"))
        self.assertEqual(["debug", "web", "worker"], sorted(self.complete("up", "")))
        self.assertEqual(["web", "worker"], self.complete("logs", "-f", "--tail", "5", "w"))
        self.assertEqual(["web", "worker"], self.complete("exec", "-T", "w"))
        self.assertEqual([], self.complete("exec", "web", "w"), "a program of the container")
        self.assertEqual(["tree"], self.complete("graph", "--format", "t"))
        self.assertEqual(["--format=tree"], self.complete("graph", "--format=t"))
        self.assertEqual(["tty"], self.complete("--progress", "t"))
        self.assertEqual(["bash", "zsh", "fish"], self.complete("completion", ""))
        self.assertEqual([], self.complete("config", "-o", ""), "a file")
        self.assertEqual([], self.complete())

    def test_services_are_those_of_the_project_that_the_line_names(self):
        other = os.path.join(self.berth.home, "other.yaml")
        with open(other, "w", encoding="utf-8") as file:
            json.dump({"services": {"elsewhere": {"image": "x"}}}, file)
        self.assertEqual(["elsewhere"], self.complete("-f", other, "up", ""))
        self.assertEqual(["elsewhere"], self.complete("--file=" + other, "up", ""))
        self.assertEqual([], self.complete("-f", "/nowhere.yaml", "up", ""))

    def test_images_are_known(self):
        self.berth.import_busybox()
        self.assertEqual(["busybox:1"], self.complete("image", "rm", "busy"))

    def test_bash_completes(self):
        script = ('source <(berth completion bash); COMP_LINE="$1"; COMP_POINT=${#COMP_LINE}; _berth; printf "%s\\n" "${COMPREPLY[@]}"')

        def replies(line):
            done = subprocess.run(["bash", "-c", script, "bash", line], cwd=self.shop.folder, env=self.berth.environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
            return done.stdout.split()

        self.assertEqual(["web", "worker"], replies("berth up -d w"))
        self.assertEqual(["json"], replies("berth graph --format=j"), "bash replaces what is behind the =")
        self.assertIn("inspect", replies("berth image "))

    def test_fish_completes(self):
        def offers(line):
            done = subprocess.run(["fish", "--no-config", "-c", "berth completion fish | source; complete -C $argv[1]", line],
                                  cwd=self.shop.folder, env={**self.berth.environment, "HOME": self.berth.home}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
            return [line.split("\t")[0] for line in done.stdout.splitlines()]

        self.assertEqual(["web", "worker"], offers("berth up -d w"))
        self.assertEqual(["--format=json"], offers("berth graph --format=j"))
        self.assertIn("inspect", offers("berth image "))
        self.assertIn("compose.yaml", offers("berth config -o comp"))

    def test_zsh_completes(self):
        environment = {**self.berth.environment, "HOME": self.berth.home, "ZDOTDIR": self.berth.home, "TERM": "xterm"}
        with open(os.path.join(self.berth.home, ".zshrc"), "w", encoding="utf-8") as file:
            file.write("PS1='ready> '; autoload -Uz compinit && compinit -u -D; source <(berth completion zsh)\n")
        with Terminal(["zsh", "-i"], self.shop.folder, environment) as terminal:
            terminal.wait_for("ready> ")
            terminal.type("berth pause wor\t")
            terminal.wait_for("berth pause worker")
            terminal.type("\x15berth up w\t\t")
            terminal.wait_for("web")
            terminal.type("\x15exit\n")


if __name__ == "__main__":
    unittest.main()
