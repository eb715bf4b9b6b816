"""samples/guestbook for real: a web application and PostgreSQL."""

import json
import urllib.error
import urllib.parse
import urllib.request

import samples
from harness import BERTH, Case, Stack, wait_until
from terminal import Terminal

URL = "http://127.0.0.1:8080"


def get(path):
    with urllib.request.urlopen(URL + path, timeout=5) as answer:
        return answer.read().decode()


def answers():
    try:
        return get("/health") == "ok\n"
    except (urllib.error.URLError, OSError):
        return False


def sign(name, message):
    body = urllib.parse.urlencode({"name": name, "message": message}).encode()
    urllib.request.urlopen(URL + "/entries", data=body, timeout=5).read()


class Guestbook(Case):
    images = staticmethod(lambda berth: samples.bring_images(Stack(berth, "services: {}", "guestbook"), "guestbook"))

    def setUp(self):
        self.guestbook = self.stack("services: {}", "guestbook")
        samples.copy_to(self.guestbook, "guestbook")
        self.guestbook.up("--wait")
        wait_until("the guestbook answers", answers)

    def messages(self):
        return [entry["message"] for entry in json.loads(get("/entries"))]

    def test_entries_come_back_in_the_page(self):
        sign("Ada", "the engine weaves <patterns>")
        self.assertEqual(["the engine weaves <patterns>"], self.messages())
        self.assertIn("the engine weaves &lt;patterns&gt;", get("/"))

    def test_entries_survive_down_and_are_gone_after_down_v(self):
        sign("Ada", "keep me")
        self.guestbook("down", check=0)
        self.assertFalse(answers())
        self.guestbook.up("--wait")
        wait_until("the guestbook answers", answers)
        self.assertEqual(["keep me"], self.messages())
        self.guestbook("down", "-v", check=0)
        self.guestbook.up("--wait")
        wait_until("the guestbook answers", answers)
        self.assertEqual([], self.messages())

    def test_the_database_shuts_down_cleanly(self):
        self.guestbook("stop", check=0)
        self.assertEqual(0, self.guestbook.ps()["db"]["ExitCode"])
        self.assertIn("database system is shut down", self.guestbook("logs", "db").out)
        self.guestbook("start", check=0)
        wait_until("the guestbook answers", answers)
        self.assertNotIn("was not properly shut down", self.guestbook("logs", "db").out)

    def test_psql_by_exec_with_and_without_a_terminal(self):
        sign("Ada", "hello")
        query = ["psql", "-U", "user", "-d", "mydb", "-Atc", "select name, message from entries"]
        self.assertEqual("Ada|hello", self.guestbook.exec("db", *query))
        self.assertEqual("2", self.guestbook.exec("db", "psql", "-U", "user", "-d", "mydb", "-At", stdin="select 1 + 1;\n"))
        with Terminal([BERTH, "exec", "db", "psql", "-U", "user", "mydb"], self.guestbook.folder, self.berth.environment) as terminal:
            terminal.wait_for(r"mydb=[#>]")
            terminal.type("select 6 * 7 as answer;\r")
            terminal.wait_for(r"\b42\b")
            terminal.type("\\q\r")
            self.assertEqual(0, terminal.wait_exit())

    def test_ps_shows_health_and_the_port(self):
        row = self.guestbook.ps()["db"]
        self.assertEqual(("guestbook-db-1", "running", "healthy"), (row["Name"], row["State"], row["Health"]))
        self.assertIn("0.0.0.0:8080->3000/tcp", self.guestbook("ps", check=0).out)
