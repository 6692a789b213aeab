"""The chaos run: everything around the gateway misbehaves at random, and its books must balance all the same.

Gateway starter, fake model and llama.cpp starter are those of the end-to-end tests.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
