"""The results as a text of tables."""
from __future__ import annotations


def us(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / 1e3:.2f} ms" if value >= 1e4 else f"{value:.1f} us"


def status(value: dict) -> str:
    if "problem" in value:
        return f"WRONG: {value['problem']}"
    if "skipped" in value:
        return f"not measured: {value['skipped']}"
    return "ok" if value.get("ok") else "OUT OF BOUNDS"


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(c).replace("|", "/").replace("\n", " ") for c in row) + " |" for row in rows]) + "\n"


def checks(part: dict) -> str:
    """What is right in a line, what is not one by one."""
    right = [k for k, v in part.items() if v.get("ok")]
    tried = sum("skipped" not in v for v in part.values())
    rest = [[k, status(v)] for k, v in part.items() if not v.get("ok")]
    text = f"{len(right)} of {tried} right" + (f" ({', '.join(right)})" if right else "") + ".\n"
    return text + ("\n" + table(["", "what"], rest) if rest else "")


def training(part: dict) -> str:
    rows = []
    for title, v in part.items():
        bounds = (f">= {v['least']} " if v.get("least") is not None else "") + (f"<= {v['most']}" if v.get("most") is not None else "")
        rows.append([title, v.get("value", "-"), v.get("cpu", "-"), bounds, f"{v['seconds']} s" if "seconds" in v else "-", status(v)])
    return table(["trained on the device", "figure", "CPU", "must be", "a run", ""], rows)


def timing(part: dict) -> str:
    text = ""
    for key, v in part.items():
        if "contestants" not in v:
            text += f"**{key}**: {status(v)}\n\n"
            continue
        ours = v["contestants"].get("hornfels", {}).get("median_us")
        rows = [[c["title"], us(c.get("median_us")), us(c.get("least_us")),
                 f"{c['median_us'] / ours:.2f}" if ours and "median_us" in c else "-", c.get("problem") or c.get("skipped") or ""]
                for c in v["contestants"].values()]
        best = f"; {v['ratio']:.2f} times the best rival" if v.get("ratio") else ""
        text += f"**{key}**, {v['title']}: time of {'an' if v['unit'] == 'epoch' else 'a'} {v['unit']}{best}\n\n"
        text += table(["", "median", "least", "times ours", ""], rows) + "\n"
    return text


def products(part: dict) -> str:
    rows = [[key, f"{v['ours_tflops']:.3g}", f"{v['library_tflops']:.3g}" if "library_tflops" in v else "-",
             f"{100 * v['share']:.0f} %" if "share" in v else v.get("library", "-"), f"{v['difference']:.1g}" if "difference" in v else "-"]
            if "ours_tflops" in v else [key, "-", "-", "-", status(v)] for key, v in part.items()]
    return table(["product, bias, relu", "ours, TFLOP/s", "cuBLASLt", "ours of it", "difference"], rows)


def memory(part: dict) -> str:
    rows = [[key, us(v["us"]), f"{v['megabytes']:.0f} MB", f"{v['gb_s']:.0f} GB/s", f"{v['copy_gb_s']:.0f} GB/s", f"{100 * v['share']:.0f} %"]
            if "us" in v else [key, "-", "-", "-", "-", status(v)] for key, v in part.items()]
    return table(["kernel", "time", "moved", "rate", "a copy", "of it"], rows)


def kernels(part: dict) -> str:
    text = table(["fused against unfused", "fused", "unfused", "ratio", "called, data sent"],
                 [[key, us(v["fused_us"]), us(v["unfused_us"]), f"{v['ratio']:.2f}", us(v["call_us"])] if "ratio" in v
                  else [key, "-", "-", "-", status(v)] for key, v in part.items()])
    rows = []
    for key, v in part.items():
        for kernel in sorted(v.get("kernels", []), key=lambda k: -k["us"])[:6]:
            share = kernel["share_of_limit"]
            rows.append([key, kernel["name"], us(kernel["us"]), us(kernel["limit_us"]), kernel["limit"], f"{100 * share:.0f} %" if share else "-"])
    return text + "\n" + table(["", "kernel", "time", "limit", "by", "of it"], rows)


PARTS = {"numbers": ("Numbers against the CPU's program, and the same bits in repeated runs", checks),
         "bits": ("Weights after training, byte for byte, with one seed", checks),
         "sanitizers": ("compute-sanitizer", checks), "training": ("Training", training),
         "timing": ("Training steps, rows on the device, float32", timing), "products": ("Products", products),
         "memory": ("Memory", memory), "kernels": ("Fused and unfused", kernels)}


def markdown(results: dict) -> str:
    machine = results.get("machine", {})
    text = "# Hornfels on a device\n\n" + "".join(f"{k}: {v}  \n" for k, v in machine.items()) + "\n"
    build = results.get("build", {})
    text += f"Built in {build.get('seconds', '-')} s" + (f"; not built: {', '.join(build['failed'])}" if build.get("failed") else "") + ".\n"
    if "for sm_90" in build:
        text += f"Compiled for sm_90: {build['for sm_90']}\n"
    for part, (title, form) in PARTS.items():
        if results.get(part):
            text += f"\n## {title}\n\n{form(results[part])}"
    return text
