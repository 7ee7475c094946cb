"""The plot: throughput and cost against the number of connections, as SVG for light and dark pages."""
import math
import statistics

WIDTH, HEIGHT = 760, 560
PANEL_W, PANEL_H = 270, 160
LEFT, TOP, GAP_X, GAP_Y = 64, 84, 100, 96

STYLE = """
  svg { --page: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4; --a: #0b62c4; --b: #b3541e; --c: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    svg { --page: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #30363d; --a: #58a6ff; --b: #f0883e; --c: #56d364; } }
  text { font: 12px system-ui, sans-serif; fill: var(--soft); }
  .title { font-size: 15px; font-weight: 600; fill: var(--ink); }
  .panel { font-weight: 600; fill: var(--ink); }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
  .range { stroke-width: 1; opacity: .6; }
"""


def nice_top(value):
    """The next round number: 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if value <= step * power)


def short(n):
    if n >= 1e6:
        return f"{n / 1e6:g}M"
    return f"{n / 1e3:g}k" if n >= 1000 else f"{n:g}"


def panel(column, row, title, unit, curves):
    """`curves`: a list of (name, colour, {connections: [samples]}). The x axis is the sizes, evenly spaced."""
    x0, y0 = LEFT + column * (PANEL_W + GAP_X), TOP + row * (PANEL_H + GAP_Y)
    sizes = sorted({size for _, _, points in curves for size in points})
    top = nice_top(max(max(samples) for _, _, points in curves for samples in points.values()))
    out = [f'<text class="panel" x="{x0}" y="{y0 - 26}">{title}</text>', f'<text x="{x0}" y="{y0 - 10}">{unit}</text>']

    def x(size):
        return x0 + sizes.index(size) * PANEL_W / max(1, len(sizes) - 1)

    def y(value):
        return y0 + PANEL_H * (1 - value / top)

    for i in range(5):
        value = top * i / 4
        out.append(f'<line class="grid" x1="{x0}" x2="{x0 + PANEL_W}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        out.append(f'<text x="{x0 - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for size in sizes:
        out.append(f'<text x="{x(size):.1f}" y="{y0 + PANEL_H + 20}" text-anchor="middle">{size:,}</text>')
    for name, colour, points in curves:
        middle = {size: statistics.median(samples) for size, samples in sorted(points.items())}
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in middle.items())
        out.append(f'<polyline class="line" style="stroke: var(--{colour})" points="{path}"/>')
        for size, samples in points.items():
            out.append(f'<line class="range" style="stroke: var(--{colour})" x1="{x(size):.1f}" x2="{x(size):.1f}" '
                       f'y1="{y(min(samples)):.1f}" y2="{y(max(samples)):.1f}"/>')
            out.append(f'<circle style="fill: var(--{colour})" cx="{x(size):.1f}" cy="{y(middle[size]):.1f}" r="3.5"/>')
        if name:
            last = list(middle)[-1]
            out.append(f'<text x="{x(last) + 6:.1f}" y="{y(middle[last]) - 7:.1f}" text-anchor="end" '
                       f'style="fill: var(--{colour})">{name}</text>')
    return out


def write(path, curves):
    """`curves`: {"bulk" | "short" | "echo": {connections: samples}, "cost": {name: {connections: samples}}}; what was
    not measured is not drawn."""
    panels = [(title, unit, [("", "a", curves[key])]) for key, title, unit in (
        ("bulk", "Download", "Gbit/s"), ("short", "Short connections, 16 clients", "a second"),
        ("echo", "Echo of 1 byte, p50", "microseconds")) if curves.get(key)]
    if curves.get("cost"):
        panels.append(("The core alone", "nanoseconds", [(name, colour, points) for colour, (name, points) in
                                                         zip("abc", curves["cost"].items())]))
    if not panels:
        return False
    body = [line for i, (title, unit, series) in enumerate(panels) for line in panel(i % 2, i // 2, title, unit, series)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
                   f'aria-label="Throughput and cost against the number of connections">\n<style>{STYLE}</style>\n'
                   f'<rect width="100%" height="100%" style="fill: var(--page)"/>\n'
                   f'<text class="title" x="{LEFT}" y="30">Throughput and cost against the number of connections</text>\n'
                   + "\n".join(body) + "\n</svg>\n")
    return True
