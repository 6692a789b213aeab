"""Nothing leaves: in a network of its own, where every address answers, every packet of the gateway is counted (CWE-918).

What happens there is told in egress_world.py; it runs once, and the tests read what was seen.
"""

import json
import os
import subprocess
import sys

import pytest

from egress_world import LITERAL, METADATA, NAMES, OTHER, OUTSIDE, PORT, SIX, SIX_OUTSIDE, STEADY, SYSLOG, TRANSLATED
from gateway import ROOT

ASK_NAMES = ["udp", NAMES, 53]
MODELS = [["tcp", STEADY, PORT], ["tcp", OTHER, PORT], ["tcp", SIX, PORT]]
COPY = ["udp", STEADY, SYSLOG]
ALLOWED = [ASK_NAMES, *MODELS, COPY]


@pytest.fixture(scope="module")
def world():
    apart = ["unshare", "--net", "--mount", "--kill-child", "--fork"]
    if os.geteuid() != 0:
        apart += ["--user", "--map-root-user"]
    done = subprocess.run([*apart, sys.executable, str(ROOT / "tests/e2e/egress_world.py")], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, f"no network namespace, or what ran there failed:\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


def test_at_start_only_names_and_allowed_models_are_contacted(world):
    assert ASK_NAMES in world["seen"]["start"] and MODELS[0] in world["seen"]["start"]
    assert [seen for seen in world["seen"]["start"] if seen not in ALLOWED] == []


def test_at_work_nothing_else_is_ever_contacted(world):
    work = world["answers"]["work"]
    assert work["steady"] == work["mixed"] == work["rebind"] == [200, None]
    for outside in ("outside", "literal", "metadata", "six_outside", "translated"):
        assert work[outside] == [502, "egress_denied"], outside
    assert work["six"] == [200, None]
    assert work["gone"][0] == 502
    assert MODELS[0] in world["seen"]["work"] and COPY in world["seen"]["start"]
    assert [seen for seen in world["seen"]["work"] if seen not in ALLOWED] == []


def test_client_cannot_choose_where_its_call_goes(world):
    """Absolute target, Host and the headers that some proxies believe: the configured model answers."""
    assert world["answers"]["absolute"] == [200, None]


def test_redirect_is_not_followed(world):
    assert world["answers"]["redirect"][0] == 502


def test_name_that_moves_outside_is_noticed_at_connect(world):
    """DNS rebinding against the gateway: the check is on the address that is connected to, not on an earlier answer."""
    assert world["answers"]["rebound"] == [502, "egress_denied"]
    assert [seen for seen in world["seen"]["rebound"] if seen not in ALLOWED] == []


def test_without_names_nothing_else_is_tried(world):
    assert world["answers"]["no names"]["steady"] in (200, 502, 504) and world["answers"]["no names"]["gone"] in (502, 504)
    assert [seen for seen in world["seen"]["no names"] if seen not in ALLOWED] == []


def test_no_other_name_is_ever_asked_for(world):
    assert world["asked"] == ["gone.test", "mixed.test", "outside.test", "rebind.test", "six.test", "six_outside.test", "steady.test"]


def test_servers_outside_never_saw_a_connection(world):
    assert world["trapped"] == 0


def test_validate_lists_exactly_what_was_reached(world):
    code, listed = world["validate"]
    assert code == 1 and listed["good"] is False and listed["name_servers"] == [NAMES]
    verdicts = {(address["address"], address["allowed"]) for to in listed["destinations"] for address in to["addresses"]}
    assert verdicts == {(f"{STEADY}:{PORT}", True), (f"{OTHER}:{PORT}", True), (f"{OUTSIDE}:{PORT}", False),
                        (f"{LITERAL}:{PORT}", False), (f"{METADATA}:{PORT}", False), (f"[{SIX}]:{PORT}", True),
                        (f"[{SIX_OUTSIDE}]:{PORT}", False), (f"[{TRANSLATED}]:{PORT}", False), (f"{STEADY}:{SYSLOG}", True),
                        (f"{OUTSIDE}:{SYSLOG}", False)}
    assert [to["host"] for to in listed["destinations"] if to.get("failure")] == ["gone.test"]
    assert world["seen"]["validate"] == [ASK_NAMES], "it only asks for names"
    assert f"refused   {LITERAL}:{PORT}" in world["validate_text"] and "unknown" in world["validate_text"]
