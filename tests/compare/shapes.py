"""What commands print for programs, with all that changes from one run to the next replaced by its form: `<id>`, `<time>`.

A JSON document becomes a line for each leaf, its path and its form, so that what differs is named.
"""

import json
import re

FORMS = [
    (r"sha256:[0-9a-f]{64}", "sha256:<64 hex>"),
    (r"\b[0-9a-f]{64}\b", "<64 hex>"),
    (r"\b[0-9a-f]{40}\b", "<40 hex>"),
    (r"\b[0-9a-f]{12}\b", "<12 hex>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)", r"<RFC 3339 with fraction, \1>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", r"<RFC 3339, \1>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000( UTC)?", r"<Go's time with fraction\1>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000( UTC)?", r"<Go's time\1>"),
    (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<MAC>"),
    (r"\b(?:172|192)\.\d+\.\d+\.\d+/\d+", "<subnet>"),
    (r"\b(?:172|192)\.\d+\.\d+\.\d+\b", "<address>"),
    (r"\b(?:Less than a second|About (?:a minute|an hour)|\d+ (?:seconds?|minutes?|hours?))(?= ago\b)", "<age>"),
    (r"\bUp (?:Less than a second|About (?:a minute|an hour)|\d+ (?:seconds?|minutes?|hours?))", "Up <age>"),
    (r"\b\d{1,3}(?:\.\d+)?%", "<percent>"),
    (r"\b\d+(?:\.\d+)?(?:[kKMG]i?)?B\b", "<size>"),
]


def form_of(text):
    for pattern, form in FORMS:
        text = re.sub(pattern, form, text)
    return text


def _leaves(value, path):
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{form_of(key)}" if path else form_of(key))
    elif isinstance(value, list) and value:
        for item in value:
            yield from _leaves(item, path + "[]")
    else:
        text = json.dumps(value, ensure_ascii=False)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) > 100_000:
            text = "<number>"
        yield f"{path} = {form_of(text)}"


def lines_of(text, folder):
    """The lines that stand for what a command has printed."""
    text = text.replace(folder, "<folder>")
    try:
        documents = [json.loads(text)]
    except ValueError:
        try:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            return [re.sub(r" {2,}", "  ", form_of(line)).rstrip() for line in text.splitlines()]
    return [line for document in documents for line in _leaves(document, "")]
