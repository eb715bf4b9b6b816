"""Markdown of what bench/run has measured."""

import os

from figures import shown

BEGIN, END = "<!-- bench/plot writes this -->\n", "<!-- up to here -->\n"
COLUMNS = ("berth", "docker", "podman")


def figure(unit, f):
    """The median with its spread, and what berth makes of it."""
    spread = f" ({shown(unit, f['min'])} – {shown(unit, f['max'])})" if len(f["samples"]) > 1 else " (once)"
    ratio = f", **{f['ratio']:.1f}×**" if "ratio" in f else ""
    return shown(unit, f["median"]) + spread + ratio


def table(results, left_out):
    lines = ["| work | what | berth | Docker Compose | podman-compose | others |", "|---|---|---|---|---|---|"]
    notes = []

    def cell(work, engine):
        measured, why = results[work]["engines"].get(engine), left_out.get(work, {}).get(engine)
        if measured:
            return figure(results[work]["unit"], measured)
        if why and why not in notes:
            notes.append(why)
        return f"[{notes.index(why) + 1}]" if why else ""

    for work, result in results.items():
        others = [name for name in {**result["engines"], **left_out.get(work, {})} if name not in COLUMNS]
        cells = [cell(work, engine) for engine in COLUMNS] + ["; ".join(f"{name} {cell(work, name)}" for name in others)]
        lines.append(f"| `{work}` | {result['what']} | {' | '.join(cells)} |")
    lines += ["", *(f"[{number}] {note.splitlines()[0]}  " for number, note in enumerate(notes, 1))] if notes else []
    return "\n".join(lines) + "\n"


def description(machine):
    systems = ", ".join(f"{engine} on {kind}" for engine, kind in machine["file systems"].items())
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (f"{machine['date']}: {machine['model']}, {machine['processors']} processors, {machine['memory'] / 2**30:.0f} GB, {machine['system']}, "
            f"Linux {machine['kernel']}, load {machine['load']} before the start; {systems}. {versions}; commit {machine['commit']}.\n")


def section(measured, pictures, folder):
    """`pictures` are files in `folder` (as seen from the document) and their titles."""
    shown_pictures = "\n".join(f"![{title}]({folder}/{name})\n" for name, title in pictures.items())
    return (description(measured["machine"]) + "\nMedians, in brackets the least and the most; in bold how many times better berth is.\n\n"
            + shown_pictures + "\n" + table(measured["results"], measured["left out"]))


def replace_section(path, measured, pictures, folder):
    """Writes it between the marks in the document."""
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: there is no place for it, between lines {BEGIN.strip()} and {END.strip()}")
    seen_from_there = os.path.relpath(folder, os.path.dirname(os.path.abspath(path)))
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + section(measured, pictures, seen_from_there) + end + after)
