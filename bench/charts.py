"""Pictures of what bench/run has measured."""

import re

from figures import BYTES, RATES, SECONDS, SHARE, shown
from picture import WIDTH, LogScale, Picture, colour

LEFT, RIGHT, BAR, GAP = 150, 215, 15, 14


def draw_bars(picture, results, places, top):
    """A bar for each engine of each work; `places` gives a function from value to x for each work's figures."""
    y = top
    for work, result in results.items():
        x = places(result)
        picture.text(LEFT - 10, y + len(result["engines"]) * BAR / 2 + 4, work, anchor="end", weight="bold")
        for engine, f in result["engines"].items():
            median, fill = shown(result["unit"], f["median"]), colour(engine)
            picture.box(LEFT, y + 1, x(f["median"]) - LEFT, BAR - 3, fill, f"{engine}: {median}")
            picture.line(x(f["min"]), y + BAR / 2 - 0.5, x(f["max"]), y + BAR / 2 - 0.5, "#000000", 1.2)
            ratio = f" (berth {f['ratio']:.1f}×)" if "ratio" in f else ""
            picture.text(max(x(f["median"]), x(f["max"])) + 6, y + BAR - 4, f"{engine} {median}{ratio}", size=11, fill=fill)
            y += BAR
        y += GAP


def height_of(results):
    return sum(len(result["engines"]) * BAR + GAP for result in results.values())


def figures_of(results):
    return [f for result in results.values() for f in result["engines"].values()]


def draw_times(results, title, path):
    height = 90 + height_of(results)
    picture = Picture(height, title, "medians, least and most, on a logarithmic scale; shorter is better; in brackets how many times better berth is")
    scale = LogScale([f[name] for f in figures_of(results) for name in ("min", "max")], LEFT, WIDTH - RIGHT)
    for tick in scale.ticks:
        picture.line(scale(tick), 56, scale(tick), height - 26, "#dddddd")
        picture.text(scale(tick), height - 10, shown(SECONDS, tick), size=11, anchor="middle", fill="#666666")
    draw_bars(picture, results, lambda result: scale, 60)
    picture.write(path)


def draw_each_by_itself(results, title, note, path):
    """Each work has a scale of its own, from nothing to the most."""
    def places(result):
        most = max(f["max"] for f in result["engines"].values())
        return lambda value: LEFT + value / most * (WIDTH - LEFT - RIGHT)

    picture = Picture(64 + height_of(results), title, f"medians, least and most; {note}; in brackets how many times better berth is")
    draw_bars(picture, results, places, 56)
    picture.write(path)


def growth_lines(results):
    """By engine and command: points (services, seconds) of works measured with at least two sizes."""
    lines = {}
    for work, result in results.items():
        size = re.fullmatch(r"(up|down)-(\d+)", work)
        for engine, f in result["engines"].items() if size else ():
            lines.setdefault((engine, size[1]), []).append((int(size[2]), f["median"]))
    return {key: sorted(points) for key, points in lines.items() if len(points) > 1}


def draw_growth(lines, path):
    picture = Picture(460, "How it grows with the number of services", "medians; both scales are logarithmic")
    counts = sorted({count for points in lines.values() for count, _ in points})
    x = LogScale(counts, 90, WIDTH - 100)
    y = LogScale([value for points in lines.values() for _, value in points], 420, 60)
    for count in counts:
        picture.line(x(count), 60, x(count), 420, "#eeeeee")
        picture.text(x(count), 438, str(count), anchor="middle", fill="#666666")
    for tick in y.ticks:
        picture.line(90, y(tick), x(counts[-1]), y(tick), "#dddddd")
        picture.text(82, y(tick) + 4, shown(SECONDS, tick), anchor="end", fill="#666666")
    taken = []
    for (engine, what), points in sorted(lines.items(), key=lambda item: item[1][-1][1]):
        picture.path([(x(count), y(value)) for count, value in points], colour(engine))
        place = y(points[-1][1]) + 4
        while any(abs(place - other) < 14 for other in taken):
            place -= 14
        taken.append(place)
        picture.text(x(points[-1][0]) + 10, place, f"{engine} {what}", fill=colour(engine))
    picture.text((90 + x(counts[-1])) / 2, 456, "services", anchor="middle", fill="#666666")
    picture.write(path)


def draw_all(results, folder):
    """The names of the pictures' files and their titles, in the order in which they are to be shown."""
    def chosen(condition):
        return {work: result for work, result in results.items() if condition(work, result["unit"])}

    drawn = {}
    lines = growth_lines(results)
    if lines:
        drawn["growth.svg"] = "How up and down grow with the number of services"
        draw_growth(lines, f"{folder}/growth.svg")
    for name, title, condition in (
            ("stacks.svg", "Stacks", lambda work: re.search(r"-\d+$|^chain$", work) and not work.startswith(("pull", "config"))),
            ("single.svg", "Single commands, builds, logs", lambda work: not re.search(r"-\d+$|^chain$|^pull", work) or work.startswith("config")),
            ("pull.svg", "Pulls of 170 MB by number of layers", lambda work: work.startswith("pull"))):
        timed = chosen(lambda work, unit, condition=condition: unit == SECONDS and condition(work))
        if timed:
            drawn[name] = title
            draw_times(timed, title, f"{folder}/{name}")
    for name, title, note, units in (("rates.svg", "Network", "longer is better", RATES),
                                     ("costs.svg", "What engines take while nothing happens", "shorter is better", (BYTES, SHARE))):
        of_units = chosen(lambda work, unit, units=units: unit in units)
        if of_units:
            drawn[name] = title
            draw_each_by_itself(of_units, title, note, f"{folder}/{name}")
    return drawn
