"""The gateway's configuration of a run, and what a reload may change in it.

Short deadlines, so that in minutes of chaos each of them runs out many times; small slots and queues, so that calls
wait, are refused, and leave while they wait.
"""

import copy

from .cable import NETWORK
from .models import FAKE, REAL

# Keys of the configuration: name, secret's variable, whether it may name end users.
KEYS = {"dify": ("DIFY_KEY", True), "reports": ("REPORTS_KEY", False)}
SECRETS = {"DIFY_KEY": "sk-chaos-dify-0c5f", "REPORTS_KEY": "sk-chaos-reports-77ab"}
USERS = ("anna", "ben", "chen", "dora")
NAMED_HOST = "room.chaos.test"  # the fake model's room by name, where names can be taken away
ZONES = ("room a", "room b")
LONGEST_CALL = 45.0  # seconds: longest wait, all attempts, the slowest reader; then a call hangs

WRITE, MAX_WAIT = 10, 6  # seconds: for a client that does not read, and in the queue

_PATIENCE = {
    FAKE: {"connect": "1s", "first_byte": "2s", "between_chunks": "2s", "total": "15s"},
    REAL: {"connect": "2s", "first_byte": "8s", "between_chunks": "6s", "total": "25s"},
}


def base(models, workers=2):
    """The configuration that the run begins with. `models`: all model processes."""
    return {
        "workers": workers,
        "drain": "5s",
        "zone": ZONES[0],
        "egress": {"allow": ["127.0.0.0/8", NETWORK]},
        "stream_buffer": "4KiB",
        "listen": [{"address": "127.0.0.1:0", "timeouts": {"head": "5s", "body": "8s", "write": f"{WRITE}s"}}],
        "models": [_lane(name, [model for model in models if model.sort == sort])
                   for name, sort in ((FAKE, "fake"), (REAL, "real")) if any(model.sort == sort for model in models)],
        "keys": [{"name": "dify", "key": "${DIFY_KEY}", "trust_user": True, "stream_usage": "always"},
                 {"name": "reports", "key": "${REPORTS_KEY}"}],
        "limits": [{"per": "user", "concurrency": 6, "requests_per_minute": 600},
                   {"per": "key", "name": "reports", "priority": "batch", "weight": 1, "requests_per_minute": 1500},
                   {"per": "key", "name": "dify", "weight": 3, "tokens_per_minute": 1000000}],
    }


def _lane(name, models):
    return {
        "name": name,
        "balance": "least_busy",
        "timeouts": _PATIENCE[name],
        "retry": {"attempts": 3, "backoff": "20ms", "max_backoff": "500ms", "budget": "50%"},
        "health": {"failures": 3, "cooldown": "1s", "probe": "2s"},
        "queue": {"size": 16, "user_share": "50%", "max_wait": f"{MAX_WAIT}s", "heartbeat": "1s"},
        "endpoints": [{**model.endpoint(), "max_concurrency": model.slots, "weight": 1} for model in models],
    }


def changed(config, rng):
    """(what was changed, the new configuration)."""
    fresh = copy.deepcopy(config)
    lane = rng.choice(fresh["models"])
    endpoint = rng.choice(lane["endpoints"])
    change = rng.choice(("weight", "slots", "queue", "limits", "balance", "one endpoint less", "priority", "no limits",
                         "model gone", "key revoked", "zone"))
    if change == "weight":
        endpoint["weight"] = rng.randint(2, 9)
    elif change == "slots":
        endpoint["max_concurrency"] = rng.choice((1, 2, 3, 8))
    elif change == "queue":
        lane["queue"].update(size=rng.choice((0, 2, 64)), heartbeat=rng.choice(("1s", "2s")))
    elif change == "limits":
        fresh["limits"][0].update(concurrency=rng.choice((1, 2, 8)), requests_per_minute=rng.choice((60, 300, 6000)))
        fresh["limits"].append({"per": "model", "name": lane["name"], "requests_per_minute": rng.choice((300, 3000))})
    elif change == "balance":
        lane["balance"] = "round_robin"
    elif change == "one endpoint less" and len(lane["endpoints"]) > 1:
        lane["endpoints"].remove(endpoint)
    elif change == "no limits":
        fresh["limits"] = []
    elif change == "model gone" and len(fresh["models"]) > 1:
        fresh["models"].remove(lane)
    elif change == "key revoked":
        fresh["keys"] = [key for key in fresh["keys"] if key["name"] != "reports"]
        fresh["limits"] = [rule for rule in fresh["limits"] if rule.get("name") != "reports"]
    elif change == "zone":
        fresh["zone"] = rng.choice((ZONES[1], "elsewhere"))
    elif change == "priority":
        fresh["limits"][1].update(priority="interactive", weight=5)
    return change, fresh


def drill(config):
    """Retries are hardly rationed, and who is known to be dead is left alone. The first endpoint of each model, which is
    the one that dies, has most of the slots: the others are full just when its calls come to them."""
    fresh = copy.deepcopy(config)
    for lane in fresh["models"]:
        lane["retry"]["budget"] = "100%"
        lane["health"]["cooldown"] = "10s"
        for endpoint in lane["endpoints"][1:]:
            endpoint["max_concurrency"] = 1
    return fresh


def broken(config, rng):
    """(what is wrong, a configuration that must be refused), as text or dict."""
    fresh = copy.deepcopy(config)
    fault = rng.choice(("unknown key", "wrong unit", "no YAML", "other address", "no models", "empty"))
    if fault == "unknown key":
        fresh["models"][0]["timeout"] = "5s"
    elif fault == "wrong unit":
        fresh["models"][0]["queue"]["max_wait"] = "6sec"
    elif fault == "no YAML":
        return fault, "models: [{name: fake, endpoints: [{url: \x01"
    elif fault == "other address":
        fresh["listen"][0]["address"] = "127.0.0.1:1"
    elif fault == "no models":
        fresh["models"] = []
    elif fault == "empty":
        return fault, ""
    return fault, fresh
