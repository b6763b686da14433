"""Damaged runs and results under a quick attack; the whole is `python benchmarks/faults runs`."""

import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks" / "faults"))


def test_a_quick_attack_finds_nothing_silent():
    import runs as attacks

    found = attacks.attack(seed=11, count=attacks.QUICK)
    assert found == {"tried": attacks.QUICK, "silent": 0, "tracebacks": 0, "hangs": 0}
