"""Samples → medians, spread and ratios."""

import statistics

from figures import SHARE, shown, times_better


def summary(samples, works):
    """What bench/run --json writes: by work its description, its unit, and each engine's figures. `ratio` says how many times better
    berth is than that engine. `samples` are by work and engine, `works` by work: description and unit."""
    results = {}
    for work, by_engine in samples.items():
        what, unit = works[work]
        engines = {}
        for engine, values in by_engine.items():
            engines[engine] = {"median": statistics.median(values), "min": min(values), "max": max(values), "samples": values}
            if engine != "berth" and "berth" in by_engine and unit != SHARE:  # a ratio to next to nothing says nothing
                engines[engine]["ratio"] = times_better(unit, statistics.median(by_engine["berth"]), engines[engine]["median"])
        results[work] = {"what": what, "unit": unit, "engines": engines}
    return results


def print_table(results):
    print(f"{'work':18} {'engine':12} {'median':>12} {'least':>12} {'most':>12} {'n':>4}   berth is better by")
    for work, result in results.items():
        for engine, f in result["engines"].items():
            median, least, most = (shown(result["unit"], f[name]) for name in ("median", "min", "max"))
            ratio = f"   {f['ratio']:.1f}×" if "ratio" in f else ""
            print(f"{work:18} {engine:12} {median:>12} {least:>12} {most:>12} {len(f['samples']):4}{ratio}")
