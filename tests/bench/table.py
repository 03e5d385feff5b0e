"""The results as markdown."""
from __future__ import annotations


def duration(us: float) -> str:
    """Three digits, in the unit that fits."""
    if us < 1e3:
        return f"{us:.3g} us" if us < 999.5 else "1 ms"
    if us < 1e6:
        return f"{us / 1e3:.3g} ms" if us < 999.5e3 else "1 s"
    return f"{us / 1e6:.3g} s"


def factor(value: float) -> str:
    return f"{value:.0f}x" if value >= 99.5 else f"{value:.3g}x"


def _workload(key: str, result: dict) -> list[str]:
    ours = result["contestants"].get("hornfels")
    peak, flops = result["peak"], result["flops"]
    lines = [f"### {key}: {result['title']}", "",
             f"| | median of a {result['unit']} | least | Hornfels is ahead (median; least) | GFLOP/s | of peak | loss | ready |",
             "|---|---|---|---|---|---|---|---|"]
    for key, c in result["contestants"].items():
        cells = [c["title"], duration(c["median_us"]), duration(c["least_us"])]
        ahead = ours and key != "hornfels"
        cells.append(f"{factor(c['median_us'] / ours['median_us'])}; {factor(c['least_us'] / ours['least_us'])}"
                     if ahead else "")
        rate = flops / c["median_us"] / 1e3 if flops else 0
        cells += [f"{rate:.3g}" if rate else "", f"{100 * rate / peak['gflops']:.0f} %" if rate else "",
                  f"{c['losses'][-1]:.4f}" if c["losses"] else "", f"{c['ready_s']:.2g} s"]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    if peak:
        lines.append(f"Machine in these rounds, {result['threads']} thread{'s' * (result['threads'] > 1)}: "
                     f"{peak['gflops']:.0f} GFLOP/s; reading, one thread: "
                     + ", ".join(f"{level} {peak[level]:.0f}" for level in ("L1", "L2", "L3", "memory"))
                     + f" GB/s, a buffer as large as the weights ({result['weight_bytes'] / 1e6:.3g} MB) {peak['weights']:.0f} GB/s.")
    lines.append(f"`hornfels build`: {result['build_s']:.2f} s, of processor time {result['build_processor_s']:.2f} s.")
    if result["refused"]:
        lines += ["", "Not timed: " + "; ".join(f"{name} ({why})" for name, why in result["refused"].items()) + "."]
    return lines + [""]


def markdown(results: dict) -> str:
    """Machine, versions, then a table for each workload."""
    m = results["machine"]
    versions = sorted({c["version"] for r in results["workloads"].values() for c in r["contestants"].values()})
    lines = [f"{m['processor']} ({m['family']}), {m['cores']} cores, {m['vectors']}, caches "
             + ", ".join(f"{level} {size}" for level, size in m["caches"].items())
             + f"; {m['system']}; {m['compiler']}; {', '.join(versions)}. Medians of {results['rounds']} interleaved rounds.", ""]
    for key, result in results["workloads"].items():
        lines += _workload(key, result)
    return "\n".join(lines)
