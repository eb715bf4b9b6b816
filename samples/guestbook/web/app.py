#!/usr/bin/python3
"""A guestbook: the smallest web application that needs a real database.

GET  /          the page
GET  /entries   the entries as JSON, newest first
POST /entries   adds one (form fields `name` and `message`), then sends the browser back to the page
GET  /health    200 once the database answers, else 503
"""

import html
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import psycopg2

DATABASE_URL = os.environ.get("DATABASE_URL", "postgres://localhost/guestbook")
PORT = int(os.environ.get("PORT", "3000"))
MAX_BODY = 64 * 1024

CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS entries (
        id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name    text NOT NULL,
        message text NOT NULL,
        written timestamptz NOT NULL DEFAULT now()
    )
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Guestbook</title>
  <style>
    body {{ font: 17px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem; color: #1d2b36 }}
    h1 {{ font-weight: 600 }}
    form {{ display: grid; gap: .6rem; margin: 1.5rem 0 2rem }}
    input, textarea, button {{ font: inherit; padding: .5rem .7rem; border: 1px solid #b8c4cc; border-radius: .4rem }}
    button {{ background: #14507a; border-color: #14507a; color: #fff; cursor: pointer; justify-self: start }}
    article {{ border-left: 3px solid #14507a; padding: .1rem 0 .1rem 1rem; margin: 1.2rem 0 }}
    article p {{ margin: 0; white-space: pre-wrap }}
    footer, time {{ color: #6b7a85; font-size: .85rem }}
  </style>
</head>
<body>
  <h1>Guestbook</h1>
  <form method="post" action="/entries">
    <input name="name" placeholder="Your name" maxlength="80" required>
    <textarea name="message" placeholder="Your message" rows="3" maxlength="2000" required></textarea>
    <button>Sign</button>
  </form>
{entries}
  <footer>{count}, kept by {database}</footer>
</body>
</html>
"""

ENTRY = """  <article>
    <p>{message}</p>
    <strong>{name}</strong> <time>{written}</time>
  </article>
"""


def connect():
    return psycopg2.connect(DATABASE_URL, connect_timeout=5)


def query(statement, values=()):
    """Runs one statement in a transaction and a connection of its own; the rows, if it has any."""
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def list_entries():
    rows = query("SELECT name, message, written FROM entries ORDER BY id DESC LIMIT 100")
    return [{"name": n, "message": m, "written": w.strftime("%Y-%m-%d %H:%M UTC")} for n, m, w in rows]


def render_page():
    entries = list_entries()
    articles = "".join(ENTRY.format(**{key: html.escape(value) for key, value in e.items()}) for e in entries)
    (count,) = query("SELECT count(*) FROM entries")[0]
    (version,) = query("SELECT split_part(version(), ' ', 1) || ' ' || split_part(version(), ' ', 2)")[0]
    counted = "1 entry" if count == 1 else f"{count} entries"
    return PAGE.format(entries=articles, count=counted, database=html.escape(version))


class Guestbook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        routes = {"/": self.show_page, "/entries": self.show_entries, "/health": self.show_health}
        self.answer(routes.get(self.path, self.not_found))

    def do_POST(self):
        self.answer(self.add_entry if self.path == "/entries" else self.not_found)

    def answer(self, handler):
        try:
            handler()
        except psycopg2.Error as error:
            self.log_error("database: %s", str(error).strip())
            self.close_connection = True
            self.reply(503, "text/plain", "the database does not answer\n")

    def show_page(self):
        self.reply(200, "text/html", render_page())

    def show_entries(self):
        self.reply(200, "application/json", json.dumps(list_entries()) + "\n")

    def show_health(self):
        query("SELECT 1")
        self.reply(200, "text/plain", "ok\n")

    def not_found(self):
        self.close_connection = True  # a body may be left unread
        self.reply(404, "text/plain", "no such page\n")

    def add_entry(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            return self.reply(413, "text/plain", "that is too long\n")
        fields = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        name = fields.get("name", [""])[0].strip()[:80]
        message = fields.get("message", [""])[0].strip()[:2000]
        if not name or not message:
            return self.reply(400, "text/plain", "name and message are both needed\n")
        query("INSERT INTO entries (name, message) VALUES (%s, %s)", (name, message))
        self.reply(303, "text/plain", "thank you\n", {"Location": "/"})

    def reply(self, status, kind, text, headers=None):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind + "; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        print(f"{self.client_address[0]} {format % arguments}", flush=True)


def stop(_signal, _frame):
    print("guestbook: stopping", flush=True)
    sys.exit(0)


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    query(CREATE_TABLE)
    server = ThreadingHTTPServer(("0.0.0.0", PORT), Guestbook)
    server.daemon_threads = True
    print(f"guestbook: listening on port {PORT}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
