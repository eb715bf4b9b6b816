"""What commands print for programs, with all that changes from one run to the next replaced by its form: `<id>`, `<time>`.

A JSON document becomes a line for each leaf, its path and its form, so that what differs is named.
"""

import json
import re

FORMS = [
    (r"sha256:[0-9a-f]{64}", "sha256:<64 hex>"),
    (r"\b[0-9a-f]{64}\b", "<64 hex>"),
    (r"\b[0-9a-f]{40}\b", "<40 hex>"),
    (r"\b[0-9a-f]{14}…", "<14 hex>…"),
    (r"\b[0-9a-f]{12}\b", "<12 hex>"),
    (r'/[^ ,"]{13}…', "<path>…"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)", r"<RFC 3339 with fraction, \1>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", r"<RFC 3339, \1>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000( UTC)?", r"<Go's time with fraction\1>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000( UTC)?", r"<Go's time\1>"),
    (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<MAC>"),
    (r"\b(?:172|192)\.\d+\.\d+\.\d+/\d+", "<subnet>"),
    (r"\b(?:172|192)\.\d+\.\d+\.\d+\b", "<address>"),
    (r"\b(?:Less than a second|About (?:a minute|an hour)|\d+ (?:seconds?|minutes?|hours?))(?= ago\b)", "<age>"),
    (r"\bUp (?:Less than a second|About (?:a minute|an hour)|\d+ (?:seconds?|minutes?|hours?))", "Up <age>"),
    (r"\b\d+ +\d+ +\d+ +\d\d:\d\d +\?", "<pid> <parent> <cpu> <start> ?"),
    (r"compose\.version=[\d.]+", "compose.version=<version>"),
    (r"/proc/\d+/", "/proc/<pid>/"),
    (r"\b(?:3[2-9]|[45]\d|6[0-5])\d{3}\b", "<port>"),
    (r"\b\d{1,3}(?:\.\d+)?%", "<percent>"),
    (r"\b\d+(?:\.\d+)?(?:[kKMG]i?)?B\b", "<size>"),
]


def form_of(text):
    for pattern, form in FORMS:
        text = re.sub(pattern, form, text)
    return text


COUNTS = {"Pid", "PIDs", "TotalCount", "Active", "execDuration"}  # how many, or how long: another in each run
SETS = {"Labels", "Networks", "Mounts"}  # texts whose parts come in any order


def _leaves(value, path):
    """Members and items come in the order of what stands in them: that of ids, and of what was made at once, is chance."""
    key = path.rpartition(".")[2]
    if isinstance(value, dict) and value:
        blocks = [_leaves(each, f"{path}.{form_of(name)}" if path else form_of(name)) for name, each in value.items()]
    elif isinstance(value, list) and value:
        blocks = {tuple(_leaves(item, path + "[]")) for item in value if "thermal_throttle" not in str(item)}  # the machine's
    else:
        if isinstance(value, str) and key in SETS:
            value = ",".join(sorted(value.split(",")))
        big = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) > 100_000
        text = "<number>" if key in COUNTS or big else form_of(json.dumps(value, ensure_ascii=False))
        return [f"{path} = {text}"]
    return [line for block in sorted(blocks) for line in block]


def lines_of(text, folders, in_any_order=False):
    """The lines that stand for what a command has printed. `folders`: what stands for each path of this machine."""
    for folder, name in folders.items():
        text = text.replace(folder, name)
    try:
        documents = [json.loads(text)]
    except ValueError:
        try:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            lines = [re.sub(r" {2,}", "  ", form_of(line)).rstrip() for line in text.splitlines()]
            return sorted(line.strip() for line in lines) if in_any_order else lines
    return [line for document in documents for line in _leaves(document, "")]
