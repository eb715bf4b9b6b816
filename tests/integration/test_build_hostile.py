"""Builds that mean harm: what a Dockerfile, a stage or the image below says and does stays inside the build."""

import hashlib
import os

import host
from attacks import Attacks, attacker
from test_build import BuildCase

STEPS = 12


class Hostile(BuildCase, Attacks):
    def setUp(self):
        self.canary = os.path.join(self.berth.home, "canary")
        os.makedirs(os.path.join(self.canary, "below", "leaf"), exist_ok=True)
        with open(os.path.join(self.canary, "secret"), "w", encoding="utf-8") as out:
            out.write("host\n")
        self.before = self.tree(self.canary)

    def tearDown(self):
        self.assertEqual(self.before, self.tree(self.canary))
        self.assertEqual([], [line for line in host.read("/proc/self/mountinfo").splitlines() if self.canary in line])
        self.assert_nothing_left()

    @staticmethod
    def tree(top):
        """Everything below: modes, times, contents."""
        seen = {}
        for folder, folders, names in os.walk(top):
            for name in folders + names:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                content = open(path, "rb").read() if name in names and os.path.isfile(path) else b""
                seen[path] = info.st_mode, info.st_mtime_ns, hashlib.sha256(content).hexdigest()
        return seen

    def test_a_stage_that_swaps_what_another_one_mounts(self):
        """CVE-2024-11218, CVE-2024-23651: two stages at a time share a cache, in which one swaps a directory and a link while
        mounts of the other one's steps go below it."""
        steps = "".join(
            f"RUN --mount=type=cache,id=shared,target=/c --mount=type=cache,id=other,target=/c/x/inner "
            f"--mount=type=bind,source=given,target=/c/x/given echo {number}; "
            "cat /c/x/secret >> /out 2>/dev/null; echo x > /c/x/mine; true\n" for number in range(STEPS))
        with open(attacker(), "rb") as program:
            files = {"attack": (program.read(), 0o755), "given": "given\n"}
        folder = self.context(f"""\
FROM busybox:1 AS racer
COPY attack /attack
RUN --mount=type=cache,id=shared,target=/c touch /c/started && /attack swap /c/x {self.canary} && touch /done
FROM busybox:1 AS victim
RUN --mount=type=cache,id=shared,target=/c until [ -e /c/started ]; do true; done; touch /out
{steps}RUN --mount=type=cache,id=shared,target=/c touch /c/x.stop
FROM busybox:1
COPY --from=racer /done /done
COPY --from=victim /out /out
""", files)
        outcomes = [self.build(folder, check=None, timeout=300)]
        if outcomes[0].code == 0:  # a step may lose the race and fail, which ends the build and with it the racer
            self.assertNotIn("host", self.shell("cat /out"))

    def test_a_step_that_moves_the_place_of_a_mount_away(self):
        """CVE-2024-23652: what was made to be mounted on is taken away again, and only that."""
        folder = self.context(f"""\
FROM busybox:1
RUN --mount=type=tmpfs,target=/way/below/leaf mv /way /gone; ln -s {self.canary} /way
RUN --mount=type=cache,target=/away/below/leaf mkdir -p {self.canary}/below/leaf; mv /away /lost; ln -s / /away
RUN --mount=type=bind,source=file,target=/file1/below ln -s {self.canary} /file2
""", {"file": "x"})
        self.build(folder)
        self.build(folder, "--no-cache")

    def test_links_in_a_stage_lead_to_its_own_root(self):
        """CVE-2024-1753."""
        folder = self.context(f"""\
FROM busybox:1 AS evil
RUN ln -s / /root-link && ln -s {self.canary} /canary && ln -s ../../../../../../../.. /up && echo mine > /marker
FROM busybox:1
RUN --mount=type=bind,from=evil,source=/root-link,target=/m,rw cat /m/marker > /seen; ls /m{self.canary} >> /seen; touch /m/written
RUN --mount=type=bind,from=evil,source=/up,target=/m,rw cat /m/marker >> /seen; ls /m{self.canary} >> /seen; touch /m/written
""")
        self.build(folder)
        self.assertEqual(["mine", "mine"], self.shell("cat /seen").split())
        folder = self.context("FROM busybox:1 AS evil\nRUN ln -s " + self.canary + " /canary\nFROM busybox:1\n"
                              "RUN --mount=type=bind,from=evil,source=/canary,target=/m cat /m/secret\n", name="other")
        self.assertIn("canary", self.build(folder, check=1).err)

    def test_what_is_written_to_a_mounted_context_is_thrown_away(self):
        """CVE-2025-4953."""
        folder = self.context("""\
FROM busybox:1
RUN --mount=type=bind,target=/m,rw echo changed > /m/file; rm /m/other; chmod 777 /m; mkdir /m/new; chown 7:7 /m/deep/file
""", {"file": "file", "other": "other", "deep/file": "file"})
        before = self.tree(folder)
        self.build(folder)
        self.assertEqual(before, self.tree(folder))

    def test_names_and_options_of_mounts_are_only_that(self):
        """CVE-2024-9407, CVE-2024-9675."""
        folder = self.context("FROM busybox:1\nRUN --mount=type=cache,id=../../../../../../escaped,target=/c echo x > /c/escaped\n")
        self.build(folder)
        found = [os.path.join(top, "escaped") for top, _, names in os.walk(self.berth.home) if "escaped" in names]
        self.assertEqual(1, len(found), found)
        self.assertTrue(found[0].startswith(os.path.join(self.berth.root, "build", "caches")))
        for option in ("bind-propagation=shared", "dev", "z", "relabel=shared", "source=../../..,from=busybox:1,suid"):
            folder = self.context(f"FROM busybox:1\nRUN --mount=type=bind,target=/m,{option} true\n", name="option")
            self.assertIn("Dockerfile:2:", self.build(folder, check=1).err)

    def test_a_step_is_confined_as_a_container_is(self):
        """CVE-2022-24769, CVE-2022-2989, CVE-2020-14370, CVE-2021-3602, CVE-2024-23653: capabilities, groups and environment
        of a step; no build has more than the one who asks for it has allowed."""
        folder = self.context("""\
FROM busybox:1
RUN echo secret > /denied && chown 0:777 /denied && chmod 0604 /denied
RUN grep -E '^(Cap(Inh|Amb|Eff)|Seccomp):' /proc/self/status | tr -d '\\t' > /root-status
ENV DECLARED=yes
USER 1000:777
RUN grep Groups: /proc/self/status > /tmp/groups; grep CapEff /proc/self/status | cut -f 2 > /tmp/caps; cat /denied > /tmp/read 2>/dev/null; env > /tmp/env
""")
        self.berth.environment["SECRET_OF_THE_HOST"] = "seen"
        self.addCleanup(self.berth.environment.pop, "SECRET_OF_THE_HOST")
        self.build(folder)
        self.assertEqual({"CapInh:0000000000000000", "CapAmb:0000000000000000", "CapEff:00000000a80425fb", "Seccomp:2"},
                         set(self.shell("cat /root-status").split()))
        self.assertIn("777", self.shell("cat /tmp/groups").split())
        self.assertEqual("0000000000000000", self.shell("cat /tmp/caps").strip())
        self.assertEqual("", self.shell("cat /tmp/read"))
        names = {line.split("=")[0] for line in self.shell("cat /tmp/env").splitlines()}
        self.assertLessEqual(names, {"PATH", "DECLARED", "HOME", "PWD", "SHLVL", "HOSTNAME", "OLDPWD"})
        for option in ("--security=insecure", "--network=host"):
            folder = self.context(f"FROM busybox:1\nRUN {option} true\n", name="weaker")
            self.assertIn("--allow", self.build(folder, check=1).err)
        for command in ("unshare -U true", "mount -t tmpfs none /tmp", "echo x > /proc/sys/kernel/core_pattern", "echo b > /proc/sysrq-trigger"):
            folder = self.context(f"FROM busybox:1\nRUN {command}\n", name="refused")
            self.assertIn("did not complete", self.build(folder, check=1).err)
