"""What `import ser_keras as ser` gives, as a notebook uses it; and the pages of its names."""

import numpy as np
import pytest
from conftest import ROOT, flat_model

import ser_keras as ser
from ser_keras.support.errors import SerError


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SER_KERAS_DATA", raising=False)
    monkeypatch.chdir(ROOT)


def test_every_public_name_is_there():
    for name in ser.__all__:
        assert getattr(ser, name) is not None
    assert set(dir(ser)) == set(ser.__all__)
    with pytest.raises(AttributeError, match="no public name 'lod'"):
        _ = ser.lod


def test_a_corpus_features_a_split_and_its_audit():
    table = ser.load("ravdess", or_demo=True)
    assert table.attrs["corpus"] == "demo"
    data = ser.extract(table, lambda y: y[:50], sample_rate=16_000, augment={"quiet": lambda y, rng: y / 2})
    assert data.x.shape == (360, 50)
    np.testing.assert_allclose(data.x[1], data.x[0] / 2)
    split = ser.protocols.GroupKFold(note="", folds=5).splits(data.examples, seed=0)[0]
    assert ser.audit(data.examples, split)["shared_speakers"] == 0
    with pytest.raises(SerError, match="did you mean 'ravdess'"):
        ser.load("ravdes")


def test_a_paper_changed_run_and_read(tmp_path):
    jin = ser.paper("jin2022")
    assert jin.LEARNING_RATE == 1e-4
    assert jin.reported.key == "jin2022"
    quick = jin.replace(build=flat_model, epochs=2, demo_epochs=2)
    out = ser.run(quick, corpus="demo", protocol="paper", seeds=2, out=tmp_path / "o")
    assert not out.undone
    assert set(out.table("protocols").Seeds) == {2}
    assert out.history.epoch.max() == 2
    assert out.curves().axes
    again = ser.run(quick.replace(batch_size=8), corpus="demo", protocol="paper", seeds=2, out=tmp_path / "o")
    reason = "it was run by an older recipe of mfcc: training/batch_size is 32 in the record and would be 8 now"
    assert set(again.why_stale().values()) == {reason}
    for wrong, meant in (({"protocol": "papr"}, "paper"), ({"variant": "mfc"}, "mfcc"), ({"epoch": 3}, "epochs")):
        with pytest.raises(SerError, match=f"did you mean '{meant}'"):
            ser.run(quick, corpus="demo", out=tmp_path / "o", **wrong)
    with pytest.raises(SerError, match="did you mean 'protocols'"):
        out.table("protocol")
    with pytest.raises(SerError, match="A recipe has no 'batchsize'; did you mean 'batch_size'"):
        jin.replace(batchsize=3)
    with pytest.raises(SerError, match="no paper 'jin'"):
        ser.paper("jin")


@pytest.mark.slow
def test_the_reference_has_a_page_a_module(tmp_path):
    from ser_keras.commands.reference import build

    page = build(tmp_path / "reference")
    assert "utterance table of a corpus" in (page.parent / "ser_keras" / "api.html").read_text()
    assert (page.parent / "ser_keras" / "runs" / "identity.html").exists()
