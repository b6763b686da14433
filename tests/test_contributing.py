"""CONTRIBUTING's files run as they stand there: a paper, a corpus, a feature, a protocol."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import ROOT

from ser_keras import papers
from ser_keras.support.errors import SerError


def blocks(heading):
    """The whole files under a heading, by language."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"```(toml|python)\n(.*?)```", section, re.DOTALL))


def executed(heading):
    scope = {"__name__": "of_contributing"}
    exec(compile(blocks(heading)["python"], "CONTRIBUTING.md", "exec"), scope)
    return scope


@pytest.mark.slow
def test_the_paper_runs_on_the_demo_corpus(tmp_path):
    folder = tmp_path / "reproductions" / "example2026"
    folder.mkdir(parents=True)
    files = blocks("Add a paper")
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


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """The corpus as a module that is found, and a copy of it."""
    from ser_keras import corpora

    modules, data = tmp_path / "modules", tmp_path / "data"
    modules.mkdir()
    (modules / "cremalike.py").write_text(blocks("Add a corpus")["python"], encoding="utf-8")
    monkeypatch.setattr(corpora, "__path__", [*corpora.__path__, str(modules)])
    monkeypatch.delitem(vars(corpora), "CORPORA", raising=False)
    monkeypatch.delitem(sys.modules, "ser_keras.corpora.cremalike", raising=False)
    folder = data / "cremalike"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for speaker in ("1001", "1002"):
        for code in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
            soundfile.write(folder / f"{speaker}_DFA_{code}_XX.wav", 0.1 * rng.normal(size=8000), 16_000)
    (folder / "VideoDemographics.csv").write_text("ActorID,Age,Sex\n1001,51,Male\n1002,21,Female\n")
    yield data
    vars(corpora).pop("CORPORA", None)


def test_the_corpus_is_found_and_loads(corpus, tmp_path):
    from ser_keras.corpora import find, locate
    from ser_keras.corpora.index import make_index

    found = find("cremalike")
    table = found.load(locate(found, corpus))
    assert len(table) == 12
    assert dict(zip(table.speaker, table.gender, strict=True)) == {"1001": "male", "1002": "female"}
    index = make_index(found, locate(found, corpus), tmp_path / "index.csv")
    assert len(Path(index).read_text().splitlines()) == 13
    with pytest.raises(SerError, match="cremalike"):
        find("cremalik")


def test_the_feature_is_one_for_noise_and_none_for_a_tone():
    from ser_keras import features

    flatness = executed("Add a feature")["flatness"]

    def of(y):
        return flatness(features.stft(y.astype(np.float32), sample_rate=16_000, n_fft=512, hop_length=256))

    noise = of(np.random.default_rng(0).normal(size=16_000))
    tone = of(np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000))
    assert noise.shape[1] == 1
    assert noise.dtype == np.float32
    assert 0.4 < noise.mean() < 0.7  # exp(-0.577), the mean logarithm of an exponential variable
    assert tone[5:-5].max() < 0.01


def test_the_protocol_divides_sentences_or_says_why_not():
    from ser_keras.protocols import audit, check_columns
    from ser_keras.support.errors import ImpossibleError

    protocol = executed("Add a protocol")["LastText"](note="sentences divided")
    rows = {"utterance": list("abcd"), "sha256": list("1234"), "speaker": list("xxyy"), "emotion": ["sad"] * 4}
    examples = pd.DataFrame(rows | {"text": ["t", "u", "t", "u"], "copy": "original", "window": 0})
    check_columns(examples, protocol)
    (split,) = protocol.splits(examples, seed=0)
    assert split.test.tolist() == [1, 3]
    assert audit(examples, split)["shared_texts"] == 0
    with pytest.raises(ImpossibleError, match="the corpus has 1"):
        protocol.splits(examples.assign(text="t"), seed=0)
    with pytest.raises(ImpossibleError, match="text"):
        check_columns(examples.drop(columns="text"), protocol)
