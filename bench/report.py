"""Samples → medians, spread and ratios."""

import statistics


def _figures(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "samples": values}


def summary(samples):
    """By work: each engine's figures, and how many times more each of the others takes than berth."""
    results = {}
    for work, by_engine in samples.items():
        results[work] = {engine: _figures(values) for engine, values in by_engine.items()}
        for engine, values in by_engine.items():
            if "berth" in by_engine:
                results[work][engine]["ratio"] = statistics.median(values) / statistics.median(by_engine["berth"])
    return results


def _shown(work, value):
    if work.startswith("memory"):
        return f"{value / 1e6:.2f} MB"
    if work == "dns":
        return f"{1 / value:.0f}/s"
    if work == "idle-50":
        return f"{value * 100:.2f} %"
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def print_table(samples):
    print(f"{'work':22} {'engine':8} {'median':>10} {'least':>10} {'most':>10} {'n':>4}   : berth")
    for work, figures in summary(samples).items():
        for engine, f in figures.items():
            ratio = f"   {f['ratio']:.1f}" if engine != "berth" and "ratio" in f else ""
            print(f"{work:22} {engine:8} {_shown(work, f['median']):>10} {_shown(work, f['min']):>10} {_shown(work, f['max']):>10} "
                  f"{len(f['samples']):4}{ratio}")
