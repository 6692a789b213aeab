"""The table in Markdown and the same as data: medians of figures, and medians of ratios to nginx with their range."""

import json
from statistics import median


def _values(samples, key):
    return [sample[key] for sample in samples]


def _ratios(mine, yardstick, key):
    """Ratio to the yardstick within each round; rounds in which that has nothing to divide by are left out."""
    return [one[key] / other[key] for one, other in zip(mine, yardstick) if other[key] > 0]


def _range(values, digits):
    return f"[{min(values):.{digits}f}–{max(values):.{digits}f}]"


def summary(metric, name, samples):
    """Everything that is said about one candidate in one row."""
    mine = samples.get(name) or []
    if not mine:
        return None
    values = _values(mine, metric.key)
    said = {"median": median(values), "min": min(values), "max": max(values), "errors": sum(_values(mine, "errors")),
            "notes": sorted({sample["note"] for sample in mine if sample["note"]})}
    ratios = _ratios(mine, samples.get(metric.yardstick) or [], metric.key) if name != metric.yardstick else []
    if ratios:
        said["ratio"] = {"median": median(ratios), "min": min(ratios), "max": max(ratios)}
    return said


def _cell(metric, said):
    if said is None:
        return "–"
    text = f"{said['median']:.{metric.digits}f}"
    if "ratio" in said:
        ratio = said["ratio"]
        text += f" · **{ratio['median']:.2f}** [{ratio['min']:.2f}–{ratio['max']:.2f}]"
    elif said["max"] > said["min"]:
        text += f" [{said['min']:.{metric.digits}f}–{said['max']:.{metric.digits}f}]"
    return text + (f" ({said['errors']} errors)" if said["errors"] else "")


def _target(metric, said):
    """The target, and whether intragate meets it."""
    if metric.target is None:
        return ""
    text = f"≤ {metric.target:g}{' ' + metric.unit if metric.absolute else ' ×'}"
    if said is None:
        return text
    reached = said["median"] if metric.absolute else said.get("ratio", {}).get("median")
    if reached is None:
        return text
    return f"{text} {'met' if reached <= metric.target and not said['errors'] else '**missed**'}"


def table(chosen, names, samples):
    lines = [f"| figure | {' | '.join(names)} | target |", "|---|" + "---|" * (len(names) + 1)]
    notes = []
    for scenario in chosen:
        taken = samples.get(scenario.name)
        if not taken or not all(taken.values()):
            continue
        for metric in scenario.metrics:
            said = {name: summary(metric, name, taken) for name in names}
            cells = " | ".join(_cell(metric, said[name]) for name in names)
            lines.append(f"| {metric.title} ({metric.unit}) | {cells} | {_target(metric, said.get('intragate'))} |")
        for name in names:
            said = summary(scenario.metrics[0], name, taken)
            if said is None:
                continue
            notes += [f"- {scenario.name}, {name}: {note}" for note in said["notes"]]
            uneven = [sample["uneven_chunks"] for sample in taken[name] if sample.get("uneven_chunks")]
            if uneven:
                share = f"{median(uneven):.1%} of the chunks were not exactly one event"
                notes.append(f"- {scenario.name}, {name}: {share}")
    return lines, notes


def _noise(samples):
    every = [sample for taken in samples.values() for all_of in taken.values() for sample in all_of]
    if not every:
        return "Nothing was measured."
    strangers, speeds = _values(every, "strangers"), _values(every, "speed")
    return (f"How quiet the machine was, over {len(every)} samples: other programs used {median(strangers):.2f} cores "
            f"(median; at most {max(strangers):.2f}); a fixed piece of work ran on the proxy's core at "
            f"{median(speeds):.0%} of its best speed (median; at worst {min(speeds):.0%}). A sample above 0.10 cores or below 80 % is disturbed.")


def markdown(data, chosen, samples):
    names = list(data["candidates"])
    lines, notes = table(chosen, names, samples)
    out = ["## Benchmark", ""]
    out += [f"- {key.replace('_', ' ')}: {value}" for key, value in data["machine"].items()]
    out += [f"- {name}: {version}" for name, version in data["candidates"].items()]
    out += [f"- rounds: {data['rounds']}, interleaved; took {data['seconds']:.0f} s", ""]
    out += ["Median [min–max] of the rounds; for all but nginx the median **ratio to nginx** within a round [min–max].", ""]
    out += lines + [""] + notes + [f"- {line}" for line in data["skipped"]] + ["", _noise(samples)]
    return "\n".join(out)


def save(path, data, chosen, samples):
    rows = []
    for scenario in chosen:
        taken = samples.get(scenario.name) or {}
        rows += [{"scenario": scenario.name, "metric": metric.key, "title": metric.title, "unit": metric.unit,
                  "target": metric.target, "target_is_ratio": not metric.absolute,
                  "candidates": {name: summary(metric, name, taken) for name in data["candidates"]}}
                 for metric in scenario.metrics]
    text = json.dumps({**data, "rows": rows, "samples": samples}, indent=1, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
