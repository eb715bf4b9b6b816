"""Units of figures, and how people read them."""

SECONDS, BYTES, SHARE = "s", "B", "of a processor"
BITS, CONNECTIONS, QUERIES = "bit/s", "connections/s", "queries/s"
RATES = (BITS, CONNECTIONS, QUERIES)  # more is better


def times_better(unit, ours, theirs):
    """How many times better `ours` is, whichever way round that is."""
    return ours / theirs if unit in RATES else theirs / ours


def shown(unit, value):
    if unit == BYTES:
        return f"{value / 1e6:.2f} MB"
    if unit == SHARE:
        return f"{value * 100:.2f} %"
    if unit == BITS:
        return f"{value / 1e9:.2f} Gbit/s"
    if unit in RATES:
        return f"{value:,.0f}/s"
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} µs"
