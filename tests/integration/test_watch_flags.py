"""Flags of `watch`, each by what it changes."""

import host
from background import Background
from harness import wait_until
from test_watch import BUILT, WatchCase


class WatchFlags(WatchCase):
    def rebuilt(self, *flags):
        """What watch has said, and the ids of the project's images, after a change that makes another image."""
        stack = self.project(BUILT, package_json="one", src__a="1")
        self.write(stack, "Dockerfile", 'FROM busybox:1\nCOPY package.json /\nRUN echo loudly\nCMD ["sleep", "100000"]\n')
        with Background(stack, "watch", *flags) as watch:
            watch.wait_for("Watch enabled")
            web = stack.pid("web")
            self.write(stack, "package.json", "two")
            watch.wait_for("successfully built")
            wait_until("another container runs", lambda: not host.is_alive(web))
            self.wait_for_text(stack, "/package.json", "two")
            self.write(stack, "src/b", "after")  # one thing after the other
            self.wait_for_text(stack, "/app/b", "after")
            said = watch.text
        images = self.berth("image", "ls", "-q", "--filter", f"label=com.docker.compose.project={stack.name}", check=0).out.split()
        stack("down", "-t", "0", check=0)
        self.berth("rmi", "-f", *images, check=0)
        return said, images

    def test_steps_are_hidden_and_former_images_stay_if_so_asked(self):
        said, images = self.rebuilt()
        self.assertIn("RUN echo loudly", said)
        self.assertEqual(1, len(images))
        said, images = self.rebuilt("--quiet", "--prune=false")
        self.assertNotIn("RUN echo loudly", said)
        self.assertEqual(2, len(images))
