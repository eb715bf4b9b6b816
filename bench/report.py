"""Samples → medians, spread and ratios."""

import statistics


def _figures(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "samples": values}


def summary(samples):
    """By work: each engine's figures, and how many times more Docker takes than berth."""
    results = {}
    for work, by_engine in samples.items():
        results[work] = {engine: _figures(values) for engine, values in by_engine.items()}
        if {"berth", "docker"} <= by_engine.keys():
            results[work]["ratio"] = statistics.median(by_engine["docker"]) / statistics.median(by_engine["berth"])
    return results


def _shown(work, value):
    if work.startswith("memory"):
        return f"{value / 1e6:.2f} MB"
    if work == "dns":
        return f"{1 / value:.0f}/s"
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def print_table(samples):
    print(f"{'work':22} {'engine':8} {'median':>10} {'least':>10} {'most':>10} {'n':>4}   docker : berth")
    for work, figures in summary(samples).items():
        for engine, f in figures.items():
            if engine == "ratio":
                continue
            ratio = f"   {figures['ratio']:.1f}" if engine == "berth" and "ratio" in figures else ""
            print(f"{work:22} {engine:8} {_shown(work, f['median']):>10} {_shown(work, f['min']):>10} {_shown(work, f['max']):>10} "
                  f"{len(f['samples']):4}{ratio}")
