"""One command runs all five papers."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT

PAPERS = sorted(path.parent.name for path in (ROOT / "reproductions").glob("*/run.py"))


@pytest.mark.slow
def test_all_papers_on_the_demo_corpus_and_once_more_without_training(tmp_path):
    command = [sys.executable, "-m", "ser_keras", "reproduce", "--demo", "--out", "runs", "--cache", "cache"]
    (tmp_path / "reproductions").symlink_to(ROOT / "reproductions")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run():
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stderr
        return done

    first = run()
    assert len(PAPERS) == 5
    for paper in PAPERS:
        table = pd.read_csv(tmp_path / "runs" / paper / "tables" / "comparison.csv")
        assert table.Reproduced.str.contains("%").any()
        assert "SYNTHETIC" in (tmp_path / "runs" / paper / "report.html").read_text(encoding="utf-8").upper()
    # One table at the end, with a headline of every paper.
    for short in ("Jin", "Boucheta", "Cournut", "Varshney", "Tripathi"):
        assert short in first.stdout
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("comparison.csv")}
    again = run()
    assert "0 of them finished" not in again.stderr
    assert before == {path: path.read_bytes() for path in (tmp_path / "runs").rglob("comparison.csv")}
