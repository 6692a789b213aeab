#!/usr/bin/env python3
"""Holds the source to the house rules that tools can check: floors, homes of third-party headers, sizes, names, banned words.

Reads scripts/layers.txt. Prints every violation with file and line; exit code 1 when there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
MAX_LINES = {".cpp": 500, ".h": 200}
MAX_COLUMNS = 140
BAD_NAMES = ("util", "helper", "common", "misc", "manager", "impl")
INCLUDE = re.compile(r'^\s*#include\s+([<"])([^>"]+)[>"]')
CAPTURING_COROUTINE = re.compile(r"\[[^\]\s][^\]]*\]\s*(\([^)]*\))?\s*(mutable\s*)?->\s*(net::)?Task<")


def read_rules():
    floors, homes, bans = {}, [], []
    for line in (ROOT / "scripts/layers.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, *rest = line.split()
        if word == "home":
            homes += [(prefix, rest[0]) for prefix in rest[1:]]
        elif word == "ban":
            what, where, cure = (part.strip() for part in line[4:].split(" : ")) if line.count(" : ") == 2 else ban_parts(line)
            bans.append((what, where.split(), cure))
        else:
            depth = len(set(floors.values()))
            for folder in line.split():
                floors[folder] = depth
    return floors, homes, bans


def ban_parts(line):
    what, cure = line[4:].split(" : : ")
    return what.strip(), "", cure.strip()


def check_includes(path, number, line, floors, homes):
    match = INCLUDE.match(line)
    if not match:
        return
    folder, target = path.relative_to(SRC).parts[0], match.group(2)
    if match.group(1) == '"':
        other = target.split("/")[0]
        if other not in floors:
            yield f'"{target}": includes of ours start with a folder of src/'
        elif other != folder and floors[other] <= floors[folder]:
            yield f"{folder} may not include {other}/ (scripts/layers.txt)"
        return
    for prefix, home in homes:
        if target.startswith(prefix) and folder != home:
            yield f"<{target}> lives in {home}/ only"


def check_file(path, floors, homes, bans):
    relative = path.relative_to(SRC).as_posix()
    lines = path.read_text().splitlines()
    if len(lines) > MAX_LINES[path.suffix]:
        yield 1, f"{len(lines)} lines; at most {MAX_LINES[path.suffix]}: split by responsibility"
    if any(bad in path.stem for bad in BAD_NAMES):
        yield 1, f"a file name with one of {', '.join(BAD_NAMES)} says nothing"
    if path.suffix == ".h" and not lines[0].startswith("//"):
        yield 1, "a header begins with a comment that says what it is"
    for number, line in enumerate(lines, 1):
        for problem in check_includes(path, number, line, floors, homes):
            yield number, problem
        code = line.split("//")[0]
        if CAPTURING_COROUTINE.search(code):
            yield number, "a lambda coroutine must not capture: its captures die before its frame"
        if len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns; at most {MAX_COLUMNS}"
        for word, allowed, cure in bans:
            if word in code and relative not in allowed:
                yield number, f"{word}: {cure}"


def main():
    floors, homes, bans = read_rules()
    bad = 0
    for path in sorted(p for p in SRC.rglob("*") if p.suffix in MAX_LINES):
        if path.relative_to(SRC).parts[0] not in floors:
            print(f"{path}: its folder has no floor in scripts/layers.txt")
            bad += 1
            continue
        for number, problem in check_file(path, floors, homes, bans):
            print(f"{path.relative_to(ROOT)}:{number}: {problem}")
            bad += 1
    print(f"{bad} violations")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
