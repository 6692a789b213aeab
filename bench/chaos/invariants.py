"""What must hold once it is quiet again: nothing is held, nothing was lost, and the three books (clients, records,
metrics) agree. Each check returns (what must hold, complaints)."""

import collections

from .judge import failed_for_nothing, judge
from .models import FAKE, REAL


def check_books(ledger, records):
    """Clients against records, call by call."""
    by_id = collections.defaultdict(list)
    for record in records:
        by_id[record["request_id"]].append(record)
    yield "every call has exactly one record", [
        f"{call.id} ({call.kind}, kept connection: {call.kept}): {len(by_id[call.id])} records" for call in ledger
        if call.head_sent and len(by_id[call.id]) != 1]
    known = {call.id for call in ledger}
    torn = sum(call.kind == "leaves in mid-head" and call.left is not None for call in ledger)
    strangers = [record for record in records if record["request_id"] not in known]
    wrong = [f"record without a call: {record}" for record in strangers
             if (record["outcome"], record["status"], record["principal"]) != ("client_cancelled", 499, "")]
    if len(strangers) > torn:
        wrong.append(f"{len(strangers)} records without an id for {torn} heads that were left unfinished")
    yield "no record without a call", wrong
    early = [call.id for call in ledger if not call.head_sent and by_id[call.id]]
    yield "status, outcome, tokens and bytes as the client saw them", [
        f"{call.id} ({call.kind}, {call.model}, {call.end}): {complaint}" for call in ledger
        for complaint in judge(call, (by_id[call.id] or [None])[0])] + [f"{name}: a record, but no head" for name in early]


def check_service(ledger, records):
    """Calls that ran while nothing, or only one room, was broken."""
    by_id = {record["request_id"]: record for record in records}
    yield "no call failed that somebody could have served", [
        f"{call.id} ({call.kind}, {call.model}): {call.end} {call.error_code}" for call in ledger if failed_for_nothing(call, by_id.get(call.id))]


def check_sequence(records):
    numbers = [record["seq"] for record in records]
    gaps = [f"{here} is followed by {there}" for here, there in zip(numbers, numbers[1:]) if there != here + 1]
    yield "seq begins at 1 and has no gap", gaps + ([] if numbers[:1] == [1] else [f"begins with {numbers[:1]}"])


def check_metrics(records, metrics):
    """Counters against records."""
    counted = collections.Counter()
    for key in metrics.find("intragate_requests_total"):
        labels = dict(part.split("=", 1) for part in key.split("{", 1)[1].rstrip("}").split(","))
        counted[tuple(labels[name].strip('"') for name in ("api", "model", "outcome", "status"))] += int(metrics[key])
    booked = collections.Counter((record["api"], _model_label(record), record["outcome"], str(record["status"]))
                                 for record in records)
    yield "calls counted by metrics = records, by api, model, outcome, status", [
        f"{key}: counted {counted[key]}, on record {booked[key]}" for key in sorted(counted | booked) if counted[key] != booked[key]]
    written = metrics.total("intragate_audit_records_total")
    dropped = metrics.total("intragate_audit_dropped_total")
    yield "records written = records found, none dropped", [] if (written, dropped) == (len(records), 0) else [
        f"{written:.0f} written, {len(records)} found, {dropped:.0f} dropped"]
    wrong = []
    for kind, field in (("input", "prompt_tokens"), ("output", "completion_tokens")):
        total = metrics.total("gen_ai_client_token_usage_sum", gen_ai_token_type=kind)
        if total != sum(record[field] for record in records):
            wrong.append(f"{kind}: counted {total:.0f}, on record {sum(record[field] for record in records)}")
    yield "tokens counted = tokens on record", wrong
    attempts = metrics.total("intragate_upstream_attempts_total")
    booked = sum(record["attempts"] for record in records)
    yield "attempts counted = attempts on record", [] if attempts == booked else [f"{attempts:.0f} counted, {booked} on record"]


def _model_label(record):
    """A metric names configured models only, a record also what else was asked for."""
    known = record["model"] in (FAKE, REAL) and record["error"] not in ("model_not_found", "invalid_json")
    return record["model"] if known else ""


STILL = {
    "all slots free": lambda metrics: metrics.total("intragate_slots", state="used"),
    "queues empty": lambda metrics: metrics.total("intragate_queue_waiting"),
    "no stream open": lambda metrics: metrics.total("intragate_open_streams"),
    "no client connection open": lambda metrics: metrics.total("intragate_open_connections"),
    "no pooled connection busy": lambda metrics: metrics.total("intragate_pool_connections", state="busy"),
    "every endpoint up": lambda metrics: len([key for key in metrics.find("intragate_endpoint_up") if metrics[key] != 1]),
}


def check_quiet(metrics):
    for name, count in STILL.items():
        yield name, [] if count(metrics) == 0 else [f"{count(metrics):g}"]


def check_slots(metrics, config):
    """After all reloads a model has no more slots than its endpoints are configured with."""
    wrong = []
    for lane in config["models"]:
        most = sum(endpoint["max_concurrency"] for endpoint in lane["endpoints"])
        found = metrics.total("intragate_slots", model=lane["name"], state="total")
        if found > most:
            wrong.append(f"{lane['name']}: {found:g} instead of {most}")
    yield "no slots but those configured", wrong


def is_quiet(metrics):
    return all(not wrong for _, wrong in check_quiet(metrics))


def check_memory(after_warm_up, at_end, judged):
    """At most a quarter and 8 MiB more than once it had worked and rested."""
    bound = after_warm_up * 1.25 + 8 * 2**20
    text = f"{after_warm_up / 2**20:.1f} MiB after warm-up, {at_end / 2**20:.1f} at the end, bound {bound / 2**20:.1f}"
    name = f"memory: {text}" + ("" if judged else " (a sanitizer's build: not judged)")
    yield name, [] if at_end <= bound or not judged else [text]
