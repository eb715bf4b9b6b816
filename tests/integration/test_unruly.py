"""Containers that do what nobody hopes for, and are taken down like any other: the class looks at the host in the end."""

from harness import Case, wait_until


class Unruly(Case):
    def runs(self, script, more=""):
        stack = self.stack(f"""
            services:
              web:
                image: busybox:1
                command: [sh, -c, {script!r}]
                stop_grace_period: 0.2s
                pids_limit: 50
                environment: {{BERTH_TEST_MARK: %MARK%-web}}
                {more}
            """)
        stack.up()
        return stack

    def goes(self, stack):
        stack("down", "-v", check=0)
        self.assertEqual([], stack("ps", "-a", "-q", check=0).out.split())

    def ready(self, stack):
        wait_until("it is ready", lambda: "ready" in stack("logs", "web", check=0).out)

    def test_a_fork_bomb(self):
        stack = self.runs("echo ready; bomb() { bomb | bomb & }; bomb; trap : TERM; while :; do wait; done")
        self.ready(stack)
        self.goes(stack)

    def test_daemons_that_have_left_their_parents(self):
        stack = self.runs("for i in 1 2 3 4 5; do setsid sh -c 'trap : TERM HUP; (sleep 100000 &); sleep 100000' & done; echo ready; wait")
        self.ready(stack)
        self.goes(stack)

    def test_one_whose_first_process_leaves_its_daemons_behind(self):
        stack = self.runs("setsid sleep 100000 & setsid sleep 100000 & echo ready; exit 0")
        wait_until("it has ended", lambda: stack.ps()["web"]["State"] == "exited")
        self.goes(stack)

    def test_one_that_fills_its_shared_memory(self):
        stack = self.runs("cat /dev/zero >/dev/shm/full; echo ready; exec sleep 100000", "shm_size: 4m")
        self.ready(stack)
        self.goes(stack)

    def test_one_that_closes_its_streams(self):
        stack = self.runs("touch /tmp/closed; exec sleep 100000 <&- >&- 2>&-")
        wait_until("it has closed them", lambda: stack.sh("web", "ls /tmp") == "closed")
        self.goes(stack)

    def test_one_that_holds_files_and_folders_of_a_volume(self):
        stack = self.runs("cd /data; exec 3>held; (cd /data; exec sleep 100000 <held) & echo ready; exec sleep 100000",
                          "volumes: [{type: tmpfs, target: /data}]")
        self.ready(stack)
        self.goes(stack)

    def test_one_whose_processes_stand_still(self):
        stack = self.runs("sleep 100000 & kill -STOP $!; trap : TERM; echo ready; while :; do wait; done")
        self.ready(stack)
        self.goes(stack)
