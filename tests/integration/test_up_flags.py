"""What of `up` can be asked for: whose output is shown, and what becomes of images that are to be built."""

from harness import Case

SPEAKERS = """
    services:
      web: {image: busybox:1, command: [echo, web speaks], depends_on: [db]}
      db: {image: busybox:1, command: [echo, db speaks]}
      apart: {image: busybox:1, command: [echo, apart speaks]}
    """
BUILT = """
    services:
      app:
        image: app:%s
        build: {context: ., dockerfile_inline: "FROM busybox:1\\nRUN echo made with care > /made"}
        command: [cat, /made]
    """


class WhoIsShown(Case):
    def shown(self, *arguments):
        """Who of those that speak was heard by an `up` in the foreground."""
        stack = self.stack(SPEAKERS)
        done = stack("up", *arguments, check=0)
        stack("down", "-t", "0", check=0)
        return {name for name in ("web", "db", "apart") if f"{name} speaks" in done.out}

    def test_everybody_or_who_was_named(self):
        self.assertEqual({"web", "db", "apart"}, self.shown())
        self.assertEqual({"web"}, self.shown("web"))
        self.assertEqual({"web", "db"}, self.shown("web", "db"))

    def test_attach_chooses(self):
        self.assertEqual({"db"}, self.shown("--attach", "db"))
        self.assertEqual({"db", "apart"}, self.shown("--attach", "db", "--attach", "apart"))
        self.assertEqual({"db"}, self.shown("--attach", "db", "web"))

    def test_no_attach_leaves_out(self):
        self.assertEqual({"web", "apart"}, self.shown("--no-attach", "db"))
        self.assertEqual({"web"}, self.shown("--attach", "web", "--attach", "db", "--no-attach", "db"))

    def test_attach_dependencies_adds_what_the_named_depend_on(self):
        self.assertEqual({"web", "db"}, self.shown("--attach-dependencies", "web"))

    def test_a_service_that_is_not_there_is_named(self):
        for flag in ("--attach", "--no-attach"):
            refused = self.stack(SPEAKERS)("up", flag, "wep")
            self.assertEqual(1, refused.code)
            self.assertIn('did you mean "web"', refused.err)


class WhatIsBuilt(Case):
    def test_no_build_takes_what_there_is_or_says_what_is_missing(self):
        stack = self.stack(BUILT % "1")
        missing = stack("up", "-d", "--no-build")
        self.assertEqual(1, missing.code)
        self.assertIn("app:1", missing.err)
        self.assertNotIn("app", stack.ps())
        stack("build", check=0)
        stack.write((BUILT % "1").replace("made with care", "made again"))
        self.assertIn("made with care", stack("up", "--no-build", check=0).out)
        self.assertIn("made again", stack("up", "--build", check=0).out)

    def test_both_at_once_make_no_sense(self):
        refused = self.stack(BUILT % "2")("up", "--build", "--no-build")
        self.assertEqual(1, refused.code)
        self.assertIn("--no-build", refused.err)

    def test_quiet_build_says_nothing_of_the_build(self):
        stack = self.stack(BUILT % "3")
        loud = stack("up", "-d", "--build", check=0)
        self.assertIn("RUN echo made with care", loud.out + loud.err)
        stack("down", "-t", "0", check=0)
        self.berth("image", "rm", "app:3", check=0)
        quiet = stack("up", "-d", "--quiet-build", check=0)
        self.assertNotIn("RUN", quiet.out + quiet.err)
        self.assertIn("Started", quiet.out + quiet.err)

    def test_a_quiet_build_that_fails_says_why(self):
        stack = self.stack((BUILT % "4").replace("echo made with care > /made", "echo no luck >&2; exit 3"))
        failed = stack("up", "-d", "--quiet-build")
        self.assertNotEqual(0, failed.code)
        self.assertIn("no luck", failed.err)
