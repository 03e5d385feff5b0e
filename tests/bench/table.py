"""The results as markdown: one row a workload, then everything that was measured."""
from __future__ import annotations

# Columns of the overview: a heading and the keys whose best is shown. "as installed" stands alone.
FAMILIES = (
    ("PyTorch 1.13, as installed", ("torch1-installed",)),
    ("PyTorch 1.13, its best", ("torch1", "torch1-foreach", "torch1-last", "torch1-bag", "torch1-scatter",
                                "torch1-frozen", "torch1-frozen-last", "torch1-frozen-bag")),
    ("PyTorch 2, its best", ("torch2", "torch2-last", "torch2-bag", "torch2-frozen", "torch2-frozen-last",
                             "torch2-frozen-bag", "torch2-compile", "torch2-compile-slices",
                             "torch2-compile-update", "torch2-compile-words")),
    ("JAX, its best", ("jax", "jax-scan", "jax-words")),
    ("others, their best", ("keras", "keras-jax", "onnxruntime", "onednn-debian", "onednn")),
)


def duration(us: float) -> str:
    """Three digits, in the unit that fits."""
    for limit, scale, unit in ((999.5, 1, "us"), (999.5e3, 1e3, "ms"), (float("inf"), 1e6, "s")):
        if us < limit:
            return f"{us / scale:#.3g}".rstrip(".") + f" {unit}"
    raise ValueError(us)


def factor(value: float) -> str:
    return f"{value:.0f}x" if value >= 99.5 else f"{value:#.2g}x".replace(".x", "x")


def rate(result: dict, us: float) -> tuple[float, float] | None:
    """GFLOP/s and the share of the machine's peak, where the products are really computed."""
    if not result["flops"] or not result["peak"]:
        return None
    gflops = result["flops"] / us / 1e3
    return gflops, gflops / result["peak"]["gflops"]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _best(result: dict, keys: tuple[str, ...]) -> dict | None:
    found = [result["contestants"][key] for key in keys if key in result["contestants"]]
    return min(found, key=lambda c: c["median_us"]) if found else None


def overview(results: dict) -> list[str]:
    """One row a workload: ours, the share of the peak, and for each family the time of its best form and the factor."""
    lines = [_row(["", "Hornfels", "of peak", *(heading for heading, _ in FAMILIES)]), "|---" * (3 + len(FAMILIES)) + "|"]
    for key, result in results["workloads"].items():
        ours = result["contestants"].get("hornfels")
        if not ours:
            lines.append(_row([f"{key} {result['title']}", "not timed"] + [""] * (1 + len(FAMILIES))))
            continue
        share = rate(result, ours["median_us"])
        cells = [f"{key} {result['title']}, {result['unit']}", duration(ours["median_us"]),
                 f"{100 * share[1]:.0f} %" if share else ""]
        for heading, keys in FAMILIES:
            best = _best(result, keys)
            form = f", {best['title'].split(', ')[-1]}" if best and len(keys) > 1 else ""
            cells.append(f"{duration(best['median_us'])}, **{factor(best['median_us'] / ours['median_us'])}**{form}"
                         if best else "")
        lines.append(_row(cells))
    return lines


def details(key: str, result: dict) -> list[str]:
    """Every contestant of a workload."""
    train = any(c["losses"] for c in result["contestants"].values())
    ours, unit = result["contestants"].get("hornfels"), result["unit"]
    first = "epoch" if train else "call"
    lines = [f"### {key}: {result['title']}", "",
             _row(["", f"{unit}, median", "least", "factor of medians", "of least", "GFLOP/s", "of peak",
                   "loss of the second epoch" if train else "loss", f"from nothing to the first {first}"]),
             "|---" * 9 + "|"]
    for name, c in result["contestants"].items():
        share = rate(result, c["median_us"])
        start = c["first_s"] + (result["build_s"] if name == "hornfels" else 0)
        compared = ours and name != "hornfels"
        lines.append(_row([
            c["title"], duration(c["median_us"]), duration(c["least_us"]),
            factor(c["median_us"] / ours["median_us"]) if compared else "",
            factor(c["least_us"] / ours["least_us"]) if compared else "",
            f"{share[0]:.3g}" if share else "", f"{100 * share[1]:.0f} %" if share else "",
            f"{c['losses'][-1]:.4f}" if c["losses"] else "", f"{start:.2f} s"]))
    return lines + ["", *_limits(result), ""]


def _limits(result: dict) -> list[str]:
    """The machine in the rounds of a workload, what building took, and who could not be timed."""
    peak, lines = result["peak"], []
    if peak:
        levels = ", ".join(f"{level} {peak[level]:.0f}" for level in ("L1", "L2", "L3", "memory"))
        threads = "one thread" if result["threads"] == 1 else f"{result['threads']} threads"
        lines.append(f"In these {result['rounds']} rounds: {peak['gflops']:.0f} GFLOP/s ({threads}); read by one thread, GB/s: {levels}; "
                     f"a buffer as large as the weights ({result['weight_bytes'] / 1e6:.3g} MB): {peak['weights']:.0f}. ")
    lines.append(f"`hornfels build` took {result['build_s']:.2f} s, {result['build_processor_s']:.2f} s of processor "
                 "time.")
    if result["refused"]:
        lines += ["", "Not timed: " + "; ".join(f"{name} ({why})" for name, why in result["refused"].items()) + "."]
    return lines


def machine(results: dict) -> str:
    """The machine that the figures are of, in a line."""
    m = results["machine"]
    caches = ", ".join(f"{level} {size}" for level, size in m["caches"].items())
    return (f"{m['processor']} ({m['family']}), {m['cores']} cores, {m['vectors']}, {caches}; {m['system']}; "
            f"{m['compiler']}.")


def versions(results: dict) -> list[str]:
    return sorted({c["version"] for r in results["workloads"].values() for c in r["contestants"].values()})


def markdown(results: dict) -> str:
    """Machine and versions, the overview, then each workload."""
    lines = [machine(results), "", f"Versions: {', '.join(versions(results))}.", "",
             "Medians of interleaved rounds; a factor says how many times as long the rival takes.", "",
             *overview(results), ""]
    for key, result in results["workloads"].items():
        lines += details(key, result)
    return "\n".join(lines)
