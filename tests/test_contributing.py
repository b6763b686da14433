"""CONTRIBUTING's two files are a paper that runs."""

import os
import re
import subprocess
import sys

import pandas as pd
from conftest import ROOT

from ser_keras import papers


def blocks():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return dict(re.findall(r"```(toml|python)\n(.*?)```", text, re.DOTALL))


def test_the_example_in_contributing_runs_on_the_demo_corpus(tmp_path):
    folder = tmp_path / "reproductions" / "example2026"
    folder.mkdir(parents=True)
    files = blocks()
    (folder / "paper.toml").write_text(files["toml"], encoding="utf-8")
    (folder / "run.py").write_text(files["python"], encoding="utf-8")
    silences = {silence.id for silence in papers.read(folder / "paper.toml").silences}
    assert papers.tags(folder / "run.py") == silences == {"S1"}
    command = [sys.executable, "reproductions/example2026/run.py", "--demo", "--out", "o", "--cache", "c"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ.copy(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "o" / "tables" / "comparison.csv")
    assert table.Reported.tolist() == ["50 %"]
    assert float(table.Reproduced[0].split()[0]) > 100 / 9
