"""The table, and the same as JSON."""
import json
import statistics

from rows import LESS, MORE


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def number(n):
    if n >= 1000:
        return f"{n:,.0f}"
    return f"{n:.0f}" if n >= 100 else f"{n:.1f}" if n >= 10 else f"{n:.2f}"


def with_spread(s):
    return number(s["median"]) + (f" [{number(s['least'])}..{number(s['most'])}]" if s["least"] != s["most"] else "")


def ratios(ours, theirs, faster):
    """Of each round: its two figures were measured one after the other, so what the machine did besides hit both."""
    return [b / a if faster else a / b for a, b in zip(ours, theirs) if (a if faster else b) > 0]


def is_met(ratio, bar, sense):
    value = round(ratio, 2)
    return None if bar is None else value >= bar if sense == MORE else value <= bar


def why_missing(group, series):
    """What is known of the longest name that the series begins with."""
    known = [name for name in group.missing if series.startswith(name)]
    return group.missing[max(known, key=len)] if known else "not measured"


def compare(group, row, against):
    """One line's right half."""
    theirs = group.series.get(against.series)
    if not theirs:
        return {"name": against.label, "unavailable": why_missing(group, against.series), "bar": against.bar,
                "sense": against.sense}
    ratio = ratios(group.series[row.series], theirs, against.faster)
    if not ratio:
        return {"name": against.label, "unavailable": "it did nothing", "bar": against.bar, "sense": against.sense}
    return {"name": against.label, **spread(theirs), "samples": theirs, "ratio": spread(ratio), "bar": against.bar,
            "sense": against.sense, "faster": against.faster,
            "met": is_met(statistics.median(ratio), against.bar, against.sense)}


def result(group, row):
    ours = group.series.get(row.series)
    out = {"group": group.name, "row": row.title, "unit": row.unit, "note": row.note, "bar": row.bar}
    if not ours:
        return {**out, "unavailable": why_missing(group, row.series),
                "against": [{"name": a.label, "bar": a.bar, "sense": a.sense} for a in row.against]}
    out.update(spread(ours), samples=ours, against=[compare(group, row, a) for a in row.against])
    if row.bar is not None:
        out["met"] = round(statistics.median(ours)) <= row.bar
    return out


def results(groups):
    return [result(group, row) for group in groups for row in group.rows]


def verdict(entry):
    met = entry.get("met")
    return "" if met is None else "met" if met else "NOT MET"


def bar_text(entry):
    if entry.get("bar") is None:
        return ""
    return f"{'<=' if entry.get('sense', LESS) == LESS else '>='} {entry['bar']:g}"


def lines(entry):
    """The table's cells for one row: its own line, and one for each reference."""
    unit = f" {entry['unit']}" if entry["unit"] else ""
    if "unavailable" in entry:
        yield entry["row"], "not available", entry["unavailable"], "", "", "", ""
        return
    first = [entry["row"], with_spread(entry) + unit]
    if not entry["against"]:
        yield *first, entry["note"], "", "", bar_text(entry), verdict(entry)
    for against in entry["against"]:
        if "unavailable" in against:
            yield *first, against["name"], "not available: " + against["unavailable"], "", bar_text(against), ""
        else:
            yield (*first, against["name"], with_spread(against), with_spread(against["ratio"]), bar_text(against),
                   verdict(against))
        first = ["", ""]


def print_table(entries):
    head = ("what", "glass: median [least..most]", "against", "its median", "ratio", "bar", "")
    body = [line for entry in entries for line in lines(entry)]
    limit = (68, 40, 44, 40, 22, 8, 8)
    widths = [min(limit[i], max(len(line[i]) for line in [head, *body])) for i in range(len(head))]
    for line in [head, tuple("-" * width for width in widths), *body]:
        print("  ".join(text[:width].ljust(width) for text, width in zip(line, widths)).rstrip())


def summary(entries):
    judged = [e["met"] for entry in entries for e in (entry, *entry["against"]) if e.get("met") is not None]
    return f"{sum(judged)} of {len(judged)} bars met"


def write_json(path, about, entries, curves):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**about, "rows": entries, "curves": curves}, file, indent=1)
        file.write("\n")
