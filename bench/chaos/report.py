"""The tables that a run prints, in Markdown."""

import collections

SHOWN = 12      # complaints of one invariant that are printed; the ledger and the records hold the rest
LONGEST = 600   # characters of one


def _table(title, columns, rows):
    yield f"| {title} | " + " | ".join(columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(str(cell) if cell else "" for cell in cells) + " |"


def calls(ledger, records):
    """Calls by kind and by how they ended for the client; then records by outcome."""
    ends = [end for end, _ in collections.Counter(call.end for call in ledger).most_common()]
    counts = collections.Counter((call.kind, call.end) for call in ledger)
    kinds = sorted({call.kind for call in ledger})
    yield from _table("calls by kind and end", [*ends, "all"], [
        (kind, [counts[kind, end] for end in ends] + [sum(counts[kind, end] for end in ends)]) for kind in kinds])
    yield ""
    outcomes = collections.Counter((record["outcome"], record["status"], record["error"]) for record in records)
    yield from _table("records by outcome, status, error", ["records"], [
        (f"{outcome} {status} {error}", [count]) for (outcome, status, error), count in sorted(outcomes.items())])


def disturbances(counts):
    yield from _table("disturbances", ["times"], [(name, [count]) for name, count in counts.items()])


def invariants(found):
    yield "| invariant | |"
    yield "|---|---|"
    for name, wrong in found:
        yield f"| {name} | {f'**FAIL** ({len(wrong)})' if wrong else 'pass'} |"
    for name, wrong in found:
        if wrong:
            yield ""
            yield f"**{name}**"
            yield from (f"- {' '.join(complaint.split())[:LONGEST]}" for complaint in wrong[:SHOWN])
            if len(wrong) > SHOWN:
                yield f"- … and {len(wrong) - SHOWN} more"


def whole(outcome):
    lines = [f"## Chaos run: {'FAIL' if outcome.failed else 'pass'}", "",
             f"- gateway: {outcome.version}", f"- seed: {outcome.seed}",
             f"- took {outcome.seconds:.0f} s, of which {outcome.disturbed_seconds:.0f} s disturbed; "
             f"{len(outcome.ledger)} calls, {len(outcome.records)} records",
             *[f"- {note}" for note in outcome.notes], ""]
    lines += [*calls(outcome.ledger, outcome.records), "", *disturbances(outcome.disturbances), ""]
    return "\n".join([*lines, *invariants(outcome.invariants)])
