"""deploy/: the alerts do what they say, and dashboard and alerts ask only for what a gateway's metrics have."""

import functools
import json
import re
import shutil
import subprocess
import threading

import pytest
import yaml

from fake_model import Gate, cut, delta, done, end, free_port, sse, stream_head, wait
from gateway import ROOT
from wire import Connection, Stream, ask, chat, eventually, request

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
RULE_TESTS = DEPLOY / "prometheus" / "alerts_test.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "intragate.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
QUERIES = {variable["name"]: variable["query"]["query"] for variable in DASHBOARD["templating"]["list"]
           if variable["type"] == "query"}
EXPRESSIONS = (
    [(f"panel {panel['title']!r}", target["expr"]) for panel in PANELS for target in panel["targets"]] +
    [(f"alert {rule['alert']}", re.sub(r"#.*", "", rule["expr"])) for rule in ALERTS] +
    [(f"variable {name}", re.fullmatch(r"label_values\((.+), \w+\)", query)[1]) for name, query in QUERIES.items()])

FROM_PROMETHEUS = {"up"}                # what it makes itself of every scrape: a metric …
TARGET_LABELS = {"job", "instance"}     # … and labels


def promtool(*arguments, text=None):
    assert shutil.which("promtool"), "promtool is missing: run scripts/setup"
    ended = subprocess.run(["promtool", *map(str, arguments)], input=text, timeout=60, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


# --- what PromQL names

SELECTOR = re.compile(r"([a-zA-Z_]\w*)?\s*\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
KEYWORDS = {"and", "or", "unless", "offset", "bool"}


def selectors(expression):
    """[(metric, [(label, operator, value)])] of all that a PromQL expression reads."""
    found = []
    for name, inside in SELECTOR.findall(expression):
        matchers = MATCHER.findall(inside)
        names = [name] if name else next(value for label, _, value in matchers if label == "__name__").split("|")
        found += [(each, [matcher for matcher in matchers if matcher[0] != "__name__"]) for each in names]
    rest = GROUPING.sub("", SELECTOR.sub("", expression))
    rest = re.sub(r'"[^"]*"|\[[^\]]*\]', "", rest)
    bare = set(re.findall(r"\b[a-zA-Z_]\w*\b(?!\s*\()", rest)) - KEYWORDS
    return found + [(name, []) for name in sorted(bare)]


def grouped_by(expression):
    return {label for labels in GROUPING.findall(expression) for label in re.findall(r"\w+", labels)}


@functools.cache
def documented():
    """{name: (type, labels)} of docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]+) \|",
                      (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def labels_of(name):
    """The labels of samples with this name, without Prometheus' own; None: there are no such samples."""
    kind, labels = documented().get(name, ("", set()))
    if kind in ("counter", "gauge"):
        return labels
    family, _, part = name.rpartition("_")
    kind, labels = documented().get(family, ("", set()))
    if kind != "histogram" or part not in ("bucket", "sum", "count"):
        return None
    return labels | ({"le"} if part == "bucket" else set())


def test_selectors_are_found():
    asked = 'sum by (le) (rate(a_bucket{x=~"y|z", w!="{"}[5m])) / on (job) group_left () b unless c offset 15m > 2'
    assert selectors(asked) == [("a_bucket", [("x", "=~", "y|z"), ("w", "!=", "{")]), ("b", []), ("c", [])]
    assert selectors('{__name__=~"d|e"}') == [("d", []), ("e", [])] and grouped_by(asked) == {"le", "job"}


@pytest.mark.parametrize("where, expression", EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_metrics_and_labels_are_documented(where, expression):
    known = TARGET_LABELS | set(re.findall(r'"(\w+)"', expression))  # the latter: label_replace's
    for name, matchers in selectors(expression):
        if name in FROM_PROMETHEUS:
            continue
        labels = labels_of(name)
        assert labels is not None, f"{name} is not in docs/metrics.md"
        assert {label for label, _, _ in matchers} <= labels | TARGET_LABELS
        known |= labels
    assert grouped_by(expression) <= known


# --- promtool

def test_the_alert_rules_are_sound():
    promtool("check", "rules", "--lint-fatal", RULES)


def test_every_alert_fires_when_it_should_and_only_then():
    promtool("test", "rules", RULE_TESTS)


def test_every_alert_is_tested_both_ways():
    cases = [case for test in yaml.safe_load(RULE_TESTS.read_text())["tests"] for case in test["promql_expr_test"]]
    for rule in ALERTS:
        about = [case for case in cases if f'alertname="{rule["alert"]}"' in case["expr"]]
        assert {bool(case.get("exp_samples")) for case in about} == {True, False}, rule["alert"]


def test_the_dashboard_asks_in_promql(tmp_path):
    rules = []
    for number, (where, expression) in enumerate(EXPRESSIONS):
        if not where.startswith("alert"):
            expression = re.sub(r"\$(instance|model|endpoint)\b", ".*", expression.replace("$__rate_interval", "5m"))
            assert "$" not in expression, f"{where} uses a variable that there is not"
        rules.append({"record": f"asked:{number}", "expr": expression})
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))  # JSON is YAML
    promtool("check", "rules", file)


def test_the_readme_s_configuration_is_valid(tmp_path):
    block, = re.findall(r"^```yaml\n(.*?)^```", (DEPLOY / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert [job["job_name"] for job in yaml.safe_load(block)["scrape_configs"]] == ["intragate"]
    (tmp_path / "prometheus.yml").write_text(block)
    shutil.copy(RULES, tmp_path)
    promtool("check", "config", "--syntax-only", tmp_path / "prometheus.yml")


# --- a real gateway

@pytest.fixture(scope="module")
def page(gateway_factory, model_factory, authority):
    """/metrics of a gateway to which everything has happened that dashboard and alerts ask for."""
    model, gate = model_factory(), Gate()

    def entry(name, url=model.base, **more):
        return {"name": name, "endpoints": [{"url": url, "max_concurrency": 1}], "retry": {"attempts": 1}, **more}
    dead = f"http://127.0.0.1:{free_port()}/v1"
    pair = authority.server()
    config = {"listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "max_connections": 1},
                         {"address": "127.0.0.1:0", "tls": {"certificate": pair.certificate, "key": pair.key}}],
              "key_policy": {"max_age": "90d"}, "audit": {"copies": [{"to": f"syslog+udp://127.0.0.1:{free_port()}"}]},
              "models": [entry("m"), {"name": "auto", "endpoints": [{"url": model.base, "max_concurrency": "auto"}]},
                         entry("busy", queue={"size": 0}), entry("dead", dead, health={"failures": 1}),
                         {"name": "pair", "endpoints": [{"url": model.base}, {"url": model.base, "weight": 2}],
                          "hedge": {"after": "50ms", "budget": "100%"}, "continue_on_failure": True}],
              "limits": [{"per": "key", "name": "hasty", "requests_per_minute": 1}],
              "keys": [{"name": "test", "key": "${TEST_KEY}", "created": "2026-11-01T00:00:00Z"},
                       {"name": "hasty", "key": "${HASTY_KEY}"}]}
    gateway = gateway_factory(config=config, env={"HASTY_KEY": "sk-hasty-key"})
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    assert [ask(gateway, chat("m"), key="sk-hasty-key").status for _ in range(2)] == [200, 429]
    assert ask(gateway, chat("dead")).status == 502
    model.script(stream_head(), sse(delta("x")), wait(gate), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        late = threading.Thread(target=ask, args=(gateway, chat("m")))
        late.start()
        eventually(lambda: gateway.metrics().total("intragate_queue_waiting", model="m") == 1)
        gate.allow()
        reply.rest()
        late.join()
    model.script(stream_head(), sse(delta("x")), wait(gate), done(), end())
    with Stream(gateway, chat("busy", stream=True)) as reply:
        assert reply.next() and ask(gateway, chat("busy")).status == 429
        gate.open()
        reply.rest()
    held = Gate()
    model.script(wait(held))
    assert ask(gateway, chat("pair")).status == 200  # by the second endpoint
    held.open()
    model.script(stream_head(), sse(delta("x")), cut())
    with Stream(gateway, chat("pair", stream=True)) as reply:
        reply.rest()
    full = gateway.addresses[1]
    with Connection(full) as busy:
        busy.send(request("POST", "/v1/chat/completions", chat("m"), key=gateway.key)[:-1])
        eventually(lambda: '"receiving"' in gateway.get_admin("/calls")[1])
        assert Connection(full).read_answer().status == 503
    gateway.reload("lisen: []", expect="refused")
    gateway.reload(config)
    ended = "intragate_requests_total|intragate_refused_connections_total"  # as IntragateAuditRecordsBehind counts
    eventually(lambda: (now := gateway.metrics()).total(ended) == now.total("intragate_audit_records_total") > 0)
    return gateway.get_admin("/metrics")[1]


def samples(page):
    """[(name, {label: value})]"""
    lines = re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", page, re.MULTILINE)
    return [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels))) for name, labels in lines]


def matches(labels, matchers):
    for label, operator, value in matchers:
        if label not in TARGET_LABELS:
            value = re.sub(r"\$\w+", ".*", value)
            hit = re.fullmatch(value, labels.get(label, "")) if "~" in operator else labels.get(label, "") == value
            if bool(hit) == operator.startswith("!"):
                return False
    return True


def test_prometheus_takes_the_page_without_complaint(page):
    assert promtool("check", "metrics", text=page) == ""


def test_the_page_has_only_documented_metrics(page):
    families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))
    assert families.items() <= {name: kind for name, (kind, _) in documented().items()}.items()
    assert {name for name, _ in samples(page) if labels_of(name) is None} == set()


@pytest.mark.parametrize("where, expression", EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_every_selector_finds_samples(page, where, expression):
    found = samples(page)
    for name, matchers in selectors(expression):
        if name not in FROM_PROMETHEUS:
            assert any(name == each and matches(labels, matchers) for each, labels in found), (name, matchers)


# --- what people read

def test_panels_have_ids_of_their_own_and_do_not_overlap():
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers))
    taken = {}
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert taken.setdefault(cell, panel["title"]) == panel["title"]


def test_panels_stand_in_rows():
    in_order = sorted(DASHBOARD["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    assert in_order == DASHBOARD["panels"] and in_order[0]["type"] == "row"
    assert [panel["title"] for panel in in_order if panel["type"] == "row"] == [
        "Traffic", "Latency", "Queue and limits", "Upstream", "Gateway"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_explains_itself(panel):
    assert panel["title"] and panel["description"].endswith(".") and panel["fieldConfig"]["defaults"]["unit"]
    for asked in (panel, *panel["targets"]):
        assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert shown <= grouped_by(target["expr"]) | TARGET_LABELS


def test_the_dashboard_can_be_imported_anywhere():
    assert DASHBOARD["id"] is None and DASHBOARD["uid"] == "intragate" and DASHBOARD["schemaVersion"] == 39
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "instance", "model", "endpoint"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    said = " ".join(rule["annotations"].values())
    named = set(re.findall(r"\$labels\.(\w+)", said))
    assert named <= grouped_by(rule["expr"]) | {label for name, _ in selectors(rule["expr"])
                                                for label in labels_of(name) or ()} | TARGET_LABELS
