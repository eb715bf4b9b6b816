"""What everything that is measured has in common."""


class Failed(Exception):
    """An engine cannot do what it was asked for; the message says what it said."""


class Lacking(Exception):
    """Not on this machine, or not by this engine; the message says why."""


class Trial:
    """Makes what it needs once, in the constructor. `once()` is a turn: figures by name of the work. `finish()` takes everything down."""

    works = {}  # what is measured: name → description
    units = {}  # of those works whose figures are not seconds (figures.py)
    repeats = 5
    needs = ""  # what not every engine can do
    others = ()  # what else takes turns beside the engines: classes whose objects have a name, too, and are made with Peers or None
    name = ""  # of who takes the turn

    def __init__(self, engine):
        self.engine, self.name = engine, engine.name

    def once(self):
        raise NotImplementedError

    def finish(self):
        pass
