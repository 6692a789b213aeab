"""docs/security.md: every threat names the tests that cover it, and every test that it names exists."""

import re

from gateway import ROOT

DOCUMENT = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/\S+?\.(?:py|cpp))(?:::([\w.]+))?`")


def rows():
    lines = DOCUMENT.read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| T\d+ ", line)]


def test_every_threat_has_a_test():
    found = rows()
    assert len(found) >= 20
    assert [row[0] for row in found] == [f"T{number}" for number in range(1, len(found) + 1)]
    for row in found:
        assert len(row) == 4 and NAMED.search(row[3]), f"{row[0]} names no test"


def test_every_test_that_is_named_exists():
    for path, name in NAMED.findall(DOCUMENT.read_text()):
        text = (ROOT / path).read_text()
        assert not name or re.search(rf"def {name}\w*\(|TEST\w*\({name.replace('.', ', ')}\)", text), f"{path}::{name}"
