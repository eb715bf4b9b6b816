"""`config` and `lint` through the real command line: flags, streams, exit codes. Nothing is started but where a hash is compared
with that of a container."""

import json
import os
import stat

from harness import Case

FILES = """
    name: shop
    services:
      web:
        image: busybox:${TAG:-1}
        command: ["sleep", "100000"]
        stop_grace_period: 0s
        environment: {BERTH_TEST_MARK: %MARK%-web, LEVEL: "${LEVEL}"}
        networks: [front]
        volumes: ["data:/data"]
      job:
        image: busybox:1
        profiles: [jobs]
    networks: {front: {}, spare: {}}
    volumes: {data: {}, spare: {}}
"""


class Config(Case):
    def shop(self):
        shop = self.stack(FILES, "shop")
        self.write(shop, ".env", "LEVEL=info\n")
        return shop

    def write(self, stack, name, text):
        path = os.path.join(stack.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))

    def test_each_list_prints_names_one_per_line_on_stdout(self):
        shop = self.shop()
        for flag, expected in (("--services", "web\n"), ("--volumes", "data\n"), ("--networks", "front\n"), ("--images", "busybox:1\n"),
                               ("--profiles", "jobs\n"), ("--models", "")):
            self.assertEqual(expected, shop("config", flag, check=0).out, flag)
        self.assertEqual("job\nweb\n", self.berth("--profile", "jobs", "config", "--services", cwd=shop.folder, check=0).out)
        self.assertEqual("web\n", shop("config", "-q", "--services", "--volumes", check=0).out, "the first list is heard, even with -q")

    def test_variables_and_environment(self):
        shop = self.shop()
        self.assertEqual({"LEVEL", "TAG"}, set(json.loads(shop("config", "--variables", "--format", "json", check=0).out)))
        rows = [line.split() for line in shop("config", "--variables", check=0).out.splitlines()]
        self.assertEqual([["LEVEL", "false"], ["TAG", "false", "1"]], rows[1:])
        environment = shop("config", "--environment", check=0).out.splitlines()
        self.assertIn("LEVEL=info", environment)
        self.assertIn("COMPOSE_PROJECT_NAME=shop", environment)

    def test_the_hash_is_that_of_the_container(self):
        shop = self.shop()
        line = shop("config", "--hash", "*", check=0).out
        self.assertEqual(line, shop("config", "--hash", "web", check=0).out)
        shop.up()
        self.assertIn("com.docker.compose.config-hash=" + line.split()[1], shop.ps()["web"]["Labels"])
        outcome = shop("config", "--hash", "wbe", check=1)
        self.assertIn("wbe", outcome.err)
        self.assertEqual("", outcome.out)

    def test_images_are_pinned_by_what_the_store_has(self):
        shop = self.shop()
        pinned = shop("config", "--resolve-image-digests", check=0).out
        self.assertRegex(pinned, r"image: docker.io/library/busybox:1@sha256:[0-9a-f]{64}")
        self.assertRegex(shop("config", "--lock-image-digests", check=0).out, r"\Aservices:\n  web:\n    image: .*@sha256:")
        self.write(shop, ".env", "TAG=missing\n")
        outcome = shop("config", "--resolve-image-digests", check=1)
        self.assertIn("busybox:missing", outcome.err)
        self.assertEqual("", outcome.out)

    def test_output_goes_to_a_file_and_is_read_back_as_the_same(self):
        shop = self.shop()
        shown = shop("config", check=0).out
        self.write(shop, "out.yaml", "not yet")
        self.assertEqual("", shop("config", "-o", "out.yaml", check=0).out)
        with open(os.path.join(shop.folder, "out.yaml"), encoding="utf-8") as file:
            self.assertEqual(shown, file.read())
        self.assertEqual(shown, shop("-f", "out.yaml", "config", check=0).out)
        self.assertEqual(shown, shop("convert", check=0).out)
        self.assertEqual(1, shop("config", "-o", "no/such/folder/out.yaml").code)
        null = os.path.join(shop.folder, "null")
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        shop("config", "-o", null, check=0)
        self.assertTrue(stat.S_ISCHR(os.lstat(null).st_mode), "a device is written to, not replaced")

    def test_variables_stay_without_interpolation(self):
        shop = self.shop()
        as_written = shop("config", "--no-interpolate", check=0).out
        self.assertIn("image: busybox:${TAG:-1}\n", as_written)
        self.assertIn("job:", as_written)
        self.assertIn("name: shop_spare", as_written)

    def test_quiet_only_checks(self):
        shop = self.shop()
        outcome = shop("config", "-q", check=0)
        self.assertEqual("", outcome.out)
        shop.write("services: {web: {image: 'x', prots: []}}\n")
        outcome = shop("config", "-q", check=1)
        self.assertIn('did you mean "ports"?', outcome.err)

    def test_all_mistakes_are_shown_in_one_run(self):
        stack = self.stack("""
            services:
              web:
                imagee: x
                depends_on: [dbb]
                ports: ["80:80:80:80"]
              db: {image: postgres, restart: sometimes, mem_limit: 10q}
            """)
        err = stack("config", check=1).err
        for place in ("4:5", "5:18", "6:13", "7:34", "7:56"):
            self.assertIn(f"compose.yaml:{place}: error: ", err)

    def test_explain_tells_file_and_variable(self):
        shop = self.shop()
        self.write(shop, "compose.override.yaml", "services: {web: {image: 'busybox:${TAG-1}'}}\n")
        text = shop("config", "--explain", "services.web.image", check=0).out
        self.assert_in_order(text, 'services.web.image = "busybox:1"', "compose.override.yaml:1:", "TAG", "overrides", "compose.yaml:5:")
        level = json.loads(shop("config", "--explain", "services.web.environment.LEVEL", "--format", "json", check=0).out)
        self.assertEqual([{"name": "LEVEL", "value": "info", "from": ".env:1:1"}], level[0]["variables"])
        outcome = shop("config", "--explain", "services.web.imge", check=1)
        self.assertIn('did you mean "image"?', outcome.err)

    def test_lint_exits_with_1_and_names_place_and_rule(self):
        shop = self.shop()
        shop.write("services:\n  web:\n    image: busybox\n    command: echo a && echo b\n")
        outcome = shop("lint", check=1)
        self.assertRegex(outcome.out, r"compose\.yaml:3:12: .*\[floating-image\]")
        self.assertRegex(outcome.out, r"compose\.yaml:4:14: .*\[cut-command\]")
        self.assertEqual("", outcome.err)
        findings = json.loads(shop("lint", "--format", "json", check=1).out)
        self.assertEqual([("floating-image", 3), ("cut-command", 4)], [(f["rule"], f["line"]) for f in findings])
        shop.write("services:\n  web:\n    image: busybox:1\n")
        outcome = shop("lint", check=0)
        self.assertEqual("", outcome.out)
        self.assertEqual([], json.loads(shop("lint", "--format", "json", check=0).out))
