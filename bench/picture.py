"""SVG with a background of its own, so that it can be read on light and dark pages."""

import math
from xml.sax.saxutils import escape

COLOURS = {"berth": "#0b6e4f", "docker": "#2468b4", "podman": "#8a3ab9", "runc": "#c46210", "crun": "#b8860b", "bwrap": "#777777"}
OTHERS = ("#a03333", "#336677", "#886611", "#555599")
WIDTH = 860


def colour(engine):
    """The same in all pictures."""
    return COLOURS.get(engine) or OTHERS[sum(engine.encode()) % len(OTHERS)]


class Picture:
    def __init__(self, height, title, note):
        self.height, self.parts = height, []
        self.text(WIDTH / 2, 24, title, size=16, anchor="middle", weight="bold")
        self.text(WIDTH / 2, 42, note, size=11, anchor="middle", fill="#666666")

    def text(self, x, y, words, size=12, anchor="start", fill="#222222", weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
                          f'font-weight="{weight}">{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, stroke, width=1.0):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width}"/>')

    def box(self, x, y, width, height, fill, title):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" rx="2" fill="{fill}">'
                          f'<title>{escape(title)}</title></rect>')

    def path(self, points, stroke):
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{places}" fill="none" stroke="{stroke}" stroke-width="2"/>')
        self.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{stroke}"/>' for x, y in points]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:.0f}" font-family="sans-serif">\n'
                       f'<rect width="{WIDTH}" height="{self.height:.0f}" fill="#ffffff"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


class LogScale:
    """Places of values between `start` and `end`, with a tick at each power of ten."""

    def __init__(self, values, start, end):
        least, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.least, self.most, self.start, self.end = least, max(most, least + 1), start, end
        self.ticks = [10.0 ** n for n in range(self.least, self.most + 1)]

    def __call__(self, value):
        return self.start + (math.log10(value) - self.least) / (self.most - self.least) * (self.end - self.start)
