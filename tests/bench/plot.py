"""The plot: throughput and cost against the number of connections, as SVG for light and dark pages."""
import math
import statistics

TITLE = "Throughput and cost against the number of connections"
WIDTH, HEIGHT = 760, 560
PANEL_W, PANEL_H = 270, 160
LEFT, TOP, GAP_X, GAP_Y = 64, 84, 100, 96

# What each kind of thing has: paint, on a light page, on a dark one. Plain rules: not every program knows variables.
COLOURS = (("page", "fill", "#ffffff", "#0d1117"), ("title, .panel", "fill", "#1f2328", "#e6edf3"),
           ("soft", "fill", "#59636e", "#9198a1"), ("grid", "stroke", "#d8dee4", "#30363d"),
           ("a", "fill", "#0b62c4", "#58a6ff"), ("b", "fill", "#b3541e", "#f0883e"),
           ("c", "fill", "#1a7f37", "#56d364"),
           ("line-a", "stroke", "#0b62c4", "#58a6ff"), ("line-b", "stroke", "#b3541e", "#f0883e"),
           ("line-c", "stroke", "#1a7f37", "#56d364"))


def style():
    def rules(shade):
        return " ".join(f".{name} {{ {paint}: {colour[shade]}; }}" for name, paint, *colour in COLOURS)
    return (f"text {{ font: 12px system-ui, sans-serif; }} .title {{ font-size: 15px; font-weight: 600; }} "
            f".panel {{ font-weight: 600; }} .grid {{ stroke-width: 1; }} .curve {{ fill: none; stroke-width: 2; }} "
            f".range {{ stroke-width: 1; opacity: .6; }}\n{rules(0)}\n"
            f"@media (prefers-color-scheme: dark) {{ {rules(1)} }}")


def nice_top(value):
    """The next round number: 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if value <= step * power)


def short(n):
    if n >= 1e6:
        return f"{n / 1e6:g}M"
    return f"{n / 1e3:g}k" if n >= 1000 else f"{n:g}"


def panel(column, row, title, unit, what, curves):
    """`curves`: a list of (name, colour, {connections: [samples]}). The x axis is the sizes, evenly spaced; `what`
    says of what."""
    x0, y0 = LEFT + column * (PANEL_W + GAP_X), TOP + row * (PANEL_H + GAP_Y)
    sizes = sorted({size for _, _, points in curves for size in points})
    top = nice_top(max(max(samples) for _, _, points in curves for samples in points.values()))
    out = [f'<text class="panel" x="{x0}" y="{y0 - 26}">{title}</text>',
           f'<text class="soft" x="{x0}" y="{y0 - 10}">{unit}</text>']

    def x(size):
        return x0 + sizes.index(size) * PANEL_W / max(1, len(sizes) - 1)

    def y(value):
        return y0 + PANEL_H * (1 - value / top)

    for i in range(5):
        value = top * i / 4
        out.append(f'<line class="grid" x1="{x0}" x2="{x0 + PANEL_W}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        out.append(f'<text class="soft" x="{x0 - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for size in sizes:
        out.append(f'<text class="soft" x="{x(size):.1f}" y="{y0 + PANEL_H + 20}" '
                   f'text-anchor="middle">{size:,}</text>')
    out.append(f'<text class="soft" x="{x0 + PANEL_W / 2}" y="{y0 + PANEL_H + 38}" '
               f'text-anchor="middle">{what}</text>')
    for name, colour, points in curves:
        middle = {size: statistics.median(samples) for size, samples in sorted(points.items())}
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in middle.items())
        out.append(f'<polyline class="curve line-{colour}" points="{path}"/>')
        for size, samples in points.items():
            out.append(f'<line class="range line-{colour}" x1="{x(size):.1f}" x2="{x(size):.1f}" '
                       f'y1="{y(min(samples)):.1f}" y2="{y(max(samples)):.1f}"/>')
            out.append(f'<circle class="{colour}" cx="{x(size):.1f}" cy="{y(middle[size]):.1f}" r="3.5"/>')
        if name:
            last = list(middle)[-1]
            out.append(f'<text class="{colour}" x="{x(last) + 6:.1f}" y="{y(middle[last]) - 7:.1f}" '
                       f'text-anchor="end">{name}</text>')
    return out


def write(path, curves):
    """`curves`: {"bulk" | "short" | "echo": {connections: samples}, "cost": {name: {connections: samples}}}; what was
    not measured is not drawn."""
    panels = [(title, unit, "idle connections besides", [("", "a", curves[key])]) for key, title, unit in (
        ("bulk", "Download", "Gbit/s"), ("short", "Short connections, 16 clients", "a second"),
        ("echo", "Echo of 1 byte, p50", "microseconds")) if curves.get(key)]
    if curves.get("cost"):
        costs = [(name, colour, points) for colour, (name, points) in zip("abc", curves["cost"].items())]
        panels.append(("The core alone", "nanoseconds", "connections", costs))
    if not panels:
        return False
    body = [line for i, words in enumerate(panels) for line in panel(i % 2, i // 2, *words)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
                   f'aria-label="{TITLE}">\n<style>{style()}</style>\n'
                   f'<rect class="page" width="100%" height="100%"/>\n'
                   f'<text class="title" x="{LEFT}" y="30">{TITLE}</text>\n'
                   + "\n".join(body) + "\n</svg>\n")
    return True
