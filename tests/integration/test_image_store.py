"""Looking at images, removing what nobody uses, and kill -9 in the middle of whatever changes the store."""

import io
import json
import os
import random
import subprocess
import tarfile
import time

import busybox
from harness import BERTH, Case

SERVICE = "services: {it: {image: '%s', command: [sleep, '100000'], stop_grace_period: 0s}}"


class Listing(Case):
    def ids(self, *filters):
        words = [word for one in filters for word in ("--filter", one)]
        return self.berth("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", *words, check=0).out.split()

    def test_image_ls_filters(self):
        tar = busybox.image_tar()
        self.berth("import", "-c", "LABEL kind=a", tar, "demo/first:1", check=0)
        self.berth("import", "-c", "LABEL kind=b", tar, "second:2", check=0)
        self.berth("import", "-c", "LABEL kind=c", tar, check=0)
        self.assertEqual(["demo/first:1"], self.ids("label=kind=a"))
        self.assertEqual(["<none>:<none>"], self.ids("dangling=true"))
        self.assertEqual(["demo/first:1"], self.ids("reference=demo/*"))
        self.assertEqual(["second:2"], self.ids("since=demo/first:1", "dangling=false"))
        self.assertEqual(["demo/first:1", "busybox:1"], self.ids("before=second:2"))
        outcome = self.berth("image", "ls", "--filter", "refrence=x")
        self.assertEqual(1, outcome.code)
        self.assertIn('did you mean "reference"', outcome.err)
        rows = self.berth("image", "ls", "--format", "json", check=0).json()
        self.assertLessEqual({"ID", "Repository", "Tag", "Digest", "Size", "CreatedAt", "CreatedSince"}, set(rows[0]))

    def test_inspect_takes_templates_and_names_what_it_does_not_know(self):
        shown = self.berth("image", "inspect", "-f", '{{json .Config.Cmd}} {{index .RepoTags 0}} {{.Os}}', "busybox:1", check=0).out
        self.assertEqual('["sh"] busybox:1 linux\n', shown)
        outcome = self.berth("image", "inspect", "-f", "{{.Config.Commands}}", "busybox:1")
        self.assertEqual(1, outcome.code)
        self.assertIn(".Commands", outcome.err)
        outcome = self.berth("image", "inspect", "busybox:1", "nothing:1")
        self.assertEqual((1, 1), (outcome.code, len(json.loads(outcome.out))))

    def test_images_lists_what_the_containers_were_made_from(self):
        stack = self.stack(SERVICE % "busybox:1")
        stack.up()
        self.berth("tag", "busybox:1", "other:1", check=0)
        (row,) = json.loads(stack("images", "--format", "json", check=0).out)
        self.assertEqual((f"{stack.name}-it-1", "busybox", "1"), (row["ContainerName"], row["Repository"], row["Tag"]))
        self.assertEqual([row["ID"].split(":")[1]], stack("images", "-q", check=0).out.split())
        self.assertIn('did you mean "it"', stack("images", "itt").err)


class Prune(Case):
    def names(self):
        return self.berth("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", check=0).out.split()

    def summary(self):
        return {row["Type"]: row for row in self.berth("system", "df", "--format", "json", check=0).json()}

    def blobs(self):
        return set(os.listdir(os.path.join(self.berth.root, "images/blobs/sha256")))

    def test_image_prune_asks_and_spares_what_containers_use(self):
        tar = busybox.image_tar()
        for name in ("used:1", "stopped:1", "unused:1"):
            self.berth("import", "-c", "ENV PATH=/bin", "-c", f"LABEL n={name}", tar, name, check=0)
        running = self.stack(SERVICE % "used:1", "pruneused")
        running.up()
        stopped = self.stack(SERVICE % "stopped:1", "prunestopped")
        stopped.up()
        stopped("stop", check=0)
        outcome = self.berth("image", "prune", "-a", stdin="n\n", check=0)
        self.assertEqual("WARNING! This will remove all images without at least one container associated to them.\n"
                         "Are you sure you want to continue? [y/N] ", outcome.out)
        self.assertIn("unused:1", self.names())
        self.assertIn("busybox:1", self.names())
        outcome = self.berth("image", "prune", "-a", "--filter", "label=n", stdin="y\n", check=0)
        self.assertIn("untagged: unused:1\ndeleted: sha256:", outcome.out)
        self.assertIn("Total reclaimed space: ", outcome.out)
        self.assertEqual({"busybox:1", "used:1", "stopped:1"}, set(self.names()))
        # A name that goes leaves the image to the container.
        self.assertEqual(1, self.berth("rmi", "used:1").code)
        self.berth("rmi", "-f", "used:1", check=0)
        self.berth("image", "prune", "-f", check=0)
        stopped("start", check=0)
        running("restart", check=0)
        self.assertEqual("hi", stopped.exec("it", "echo", "hi"))
        self.assertEqual("hi", running.exec("it", "echo", "hi"))
        running("down", check=0)
        before = self.summary()["Images"]
        self.assertIn("deleted: ", self.berth("image", "prune", "-f", check=0).out)
        self.assertEqual(int(before["TotalCount"]) - 1, int(self.summary()["Images"]["TotalCount"]))

    def test_no_image_is_pruned_from_under_a_container_that_is_being_made(self):
        started = 0
        containers = os.path.join(self.berth.root, "containers")
        os.makedirs(containers, exist_ok=True)
        for i in range(6):
            self.berth("import", "-c", "ENV PATH=/bin", "-c", "LABEL race=yes", busybox.image_tar(), "race:1", check=0)
            stack = self.stack(SERVICE % "race:1", "race")
            with open(os.path.join(stack.folder, "up.log"), "w", encoding="utf-8") as log:
                up = subprocess.Popen([BERTH, "up", "-d"], cwd=stack.folder, env=self.berth.environment, stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)
                while i % 2 and up.poll() is None and not os.listdir(containers):
                    pass
                self.berth("image", "prune", "-af", "--filter", "label=race", check=0)
                code = up.wait(timeout=60)
            if code == 0:
                started += 1
                self.assertEqual("hi", stack.exec("it", "echo", "hi"))
                self.assertEqual("it works", stack.sh("it", "cat /var/www/index.html"), "every file is still there")
            else:
                with open(os.path.join(stack.folder, "up.log"), encoding="utf-8") as log:
                    self.assertIn("race:1", log.read())
            stack("down", "-t", "0", check=0)
        print(f"    {started} of 6 started before their image could go", flush=True)

    def test_system_prune_takes_what_does_not_run(self):
        stack = self.stack("""
            services:
              runs: {image: 'busybox:1', command: [sleep, '100000'], stop_grace_period: 0s, volumes: ['/anonymous']}
              ended: {image: 'busybox:1', command: ['true'], volumes: ['/anonymous', 'named:/named'], networks: [back]}
            networks: {back: }
            volumes: {named: }
        """)
        stack.up()
        stack("stop", "ended", check=0)
        outcome = self.berth("system", "prune", "--volumes", stdin="\n", check=0)
        self.assert_in_order(outcome.out, "WARNING! This will remove:", "all stopped containers", "all networks", "anonymous volumes",
                             "all dangling images", "Are you sure you want to continue? [y/N] ")
        ended = self.summary()["Containers"]
        self.assertEqual(("2", "1"), (ended["TotalCount"], ended["Active"]))
        outcome = self.berth("system", "prune", "-f", "--volumes", check=0)
        self.assert_in_order(outcome.out, "Deleted Containers:", "Deleted Networks:\n" + stack.name + "_back", "Deleted Volumes:",
                             "Total reclaimed space: ")
        self.assertEqual({"runs"}, set(stack.ps()))
        self.assertEqual("hi", stack.exec("runs", "echo", "hi"))
        self.assertEqual(sorted([f"{stack.name}_named", self.anonymous_of(stack)]), sorted(self.volumes()))
        self.berth("tag", "busybox:1", "unused:1", check=0)
        self.berth("system", "prune", "-f", check=0)
        self.assertLessEqual({"busybox:1", "unused:1"}, set(self.names()))
        self.berth("import", "-c", "LABEL unused=yes", busybox.image_tar(), "unused:1", check=0)
        self.berth("system", "prune", "-f", "--all", check=0)
        self.assertEqual(["busybox:1"], [name for name in self.names() if name in ("busybox:1", "unused:1")])
        outcome = self.berth("system", "prune", "-f", "--volumes", "--filter", "until=1h")
        self.assertEqual(1, outcome.code)
        self.assertEqual(1, self.berth("system", "prune", "-f", "--filter", "lable=x").code)

    def volumes(self):
        return [name for name in os.listdir(os.path.join(self.berth.root, "volumes")) if not name.startswith(".")]

    def anonymous_of(self, stack):
        folder = os.path.join(self.berth.root, "containers")
        (record,) = [json.load(open(os.path.join(folder, one, "config.json"), encoding="utf-8")) for one in os.listdir(folder)]
        return record["anonymous_volumes"][0]

    def test_nothing_is_pruned_while_a_record_cannot_be_read(self):
        folder = os.path.join(self.berth.root, "containers", "f" * 64)
        os.makedirs(folder)
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            file.write("{")
        try:
            for command in (("image", "prune", "-af"), ("system", "prune", "-af")):
                outcome = self.berth(*command)
                self.assertEqual(1, outcome.code)
                self.assertIn("f" * 64, outcome.err)
            self.assertIn("busybox:1", self.names())
        finally:
            os.unlink(os.path.join(folder, "config.json"))
            os.rmdir(folder)

    def test_system_df_counts_shared_layers_once(self):
        self.berth("import", "-c", "LABEL kind=df", busybox.image_tar(), "df:1", check=0)
        self.berth("import", "-c", "LABEL kind=df2", busybox.image_tar(), "df:2", check=0)
        details = json.loads(self.berth("system", "df", "-v", "--format", "json", check=0).out)
        rows = {row["Repository"] + ":" + row["Tag"]: row for row in details["Images"]}
        self.assertEqual(rows["df:1"]["SharedSize"], rows["df:2"]["SharedSize"])
        self.assertNotEqual(rows["df:1"]["SharedSize"], rows["df:1"]["UniqueSize"])
        self.assertIn("Images space usage:", self.berth("system", "df", "-v", check=0).out)
        table = self.berth("system", "df", check=0).out.splitlines()
        self.assertEqual("TYPE            TOTAL   ACTIVE   SIZE     RECLAIMABLE".split(), table[0].split())


class Killed(Case):
    """Whatever is killed, whenever: images are whole or not there, and what is left over goes."""

    def store(self):
        return os.path.join(self.berth.root, "images")

    def temporaries(self):
        return [name for place in ("blobs/sha256", "layers") for name in os.listdir(os.path.join(self.store(), place))
                if name.startswith(".tmp-")]

    def led_to(self):
        """What index.json leads to: names of blobs and of layers."""
        blobs, layers = set(), set()
        store = self.store()

        def read(digest):
            blobs.add(digest.split(":")[1])
            with open(os.path.join(store, "blobs/sha256", digest.split(":")[1]), encoding="utf-8") as file:
                return json.load(file)

        with open(os.path.join(store, "index.json"), encoding="utf-8") as file:
            index = json.load(file)
        for entry in index["manifests"]:
            manifest = read(entry["digest"])
            layers.update(one.split(":")[1] for one in read(manifest["config"]["digest"])["rootfs"]["diff_ids"])
            blobs.update(one["digest"].split(":")[1] for one in manifest["layers"])
        return blobs, layers

    def rootfs(self, number, files=300):
        path = os.path.join(self.berth.home, f"rootfs-{number}.tar")
        with tarfile.open(path, "w") as tar:
            for i in range(files):
                entry = tarfile.TarInfo(f"files/{i % 10}/{i}")
                entry.size = 20000
                tar.addfile(entry, io.BytesIO(random.Random(number * 1000 + i).randbytes(20000)))
        return path

    def kill_at(self, seconds, *arguments, cwd=None):
        """Starts the command and kills it with all its children; the exit code if it was over before."""
        process = subprocess.Popen([BERTH, *arguments], cwd=cwd or self.berth.home, env=self.berth.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def moments(self, *arguments, cwd=None, undo=lambda: None, rounds=8):
        """Kills the command at moments all over its duration."""
        began = time.monotonic()
        self.assertEqual(0, self.kill_at(60, *arguments, cwd=cwd))
        duration = time.monotonic() - began
        for i in range(rounds):
            undo()
            self.kill_at(duration * (i + 0.5) / rounds, *arguments, cwd=cwd)
            self.check_store()

    def check_store(self):
        outcome = self.berth("image", "ls", check=0)
        self.assertEqual("", outcome.err, "no image is damaged")
        blobs, layers = self.led_to()
        self.assertLessEqual(blobs, set(os.listdir(os.path.join(self.store(), "blobs/sha256"))))
        self.assertLessEqual(layers, set(os.listdir(os.path.join(self.store(), "layers"))))

    def check_repaired(self):
        """The next import sweeps the temporaries, prune the rest, and containers start."""
        self.berth("import", "-c", "ENV PATH=/bin", busybox.image_tar(), "after:1", check=0)
        self.assertEqual([], self.temporaries())
        self.berth("image", "prune", "-f", check=0)
        blobs, layers = self.led_to()
        self.assertEqual(blobs, set(os.listdir(os.path.join(self.store(), "blobs/sha256"))))
        self.assertEqual(layers, set(os.listdir(os.path.join(self.store(), "layers"))))
        stack = self.stack(SERVICE % "after:1", "after")
        stack.up()
        self.assertEqual("hi", stack.exec("it", "echo", "hi"))
        stack("down", check=0)

    def remove(self, *names):
        self.berth("rmi", "-f", *names)

    def test_killed_imports_and_loads(self):
        tar = self.rootfs(1)
        self.moments("import", tar, "killed:1", undo=lambda: self.remove("killed:1"))
        self.berth("import", tar, "killed:1", check=0)
        archive = os.path.join(self.berth.home, "killed.tar")
        self.berth("save", "-o", archive, "killed:1", check=0)
        self.moments("load", "-i", archive, undo=lambda: self.remove("killed:1"))
        self.check_repaired()

    def test_killed_commits(self):
        stack = self.stack(SERVICE % "busybox:1")
        stack.up()
        stack.sh("it", "for i in $(seq 200); do dd if=/dev/urandom of=/file-$i bs=20k count=1 2>/dev/null; done")
        self.moments("commit", "it", "committed:1", cwd=stack.folder, undo=lambda: self.remove("committed:1"))
        self.assertEqual("hi", stack.exec("it", "echo", "hi"))
        stack("down", check=0)
        self.check_repaired()

    def test_killed_removals(self):
        tars = [self.rootfs(number, files=50) for number in range(2)]

        def bring_back():
            for number, tar in enumerate(tars):
                self.berth("import", "-c", "LABEL removed=yes", tar, f"removed:{number}", check=0)

        bring_back()
        self.moments("rmi", *[f"removed:{number}" for number in range(2)], undo=bring_back, rounds=4)
        bring_back()
        self.moments("image", "prune", "-af", "--filter", "label=removed", undo=bring_back, rounds=4)
        self.check_repaired()
