import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_keras.features.extraction import Extraction, extract_corpus
from ser_keras.support.errors import SerError
from ser_keras.support.files import sha256

CALLS = []


def levels(y):
    """Four features: mean squares of quarters."""
    if len(y) % 4000:  # a recording, not a signal of the probes
        CALLS.append(len(y))
    return np.array([np.mean(part**2) for part in np.array_split(y, 4)])


def windows(y):
    return y[: len(y) // 1000 * 1000].reshape(-1, 1000)


def louder(y, rng):
    return y * rng.uniform(1, 2)


@pytest.fixture
def table(wav):
    rng = np.random.default_rng(1)
    paths = [wav(0.1 * rng.normal(size=4500 + 1000 * i), name=f"u{i:02}.wav") for i in range(40)]
    return pd.DataFrame(
        {
            "utterance": [p.stem for p in paths],
            "path": [str(p) for p in paths],
            "sha256": [sha256(p) for p in paths],
        }
    )


@pytest.fixture
def extract(table, tmp_path):
    def run(extraction=None, *, table=table, jobs=1, **options):
        extraction = extraction or Extraction(extract=levels, sample_rate=16_000)
        CALLS.clear()
        return extract_corpus(table, extraction, cache=tmp_path / "cache", jobs=jobs, **options)

    return run


def test_second_time_comes_from_the_cache(extract):
    first = extract()
    assert len(CALLS) == 40
    second = extract()
    assert not CALLS
    np.testing.assert_array_equal(first.values, second.values)
    assert first.values.shape == (40, 4)


def test_workers_and_order_change_nothing(extract, table, tmp_path):
    alone = extract()
    for shard in (tmp_path / "cache").rglob("*"):
        if shard.is_file():
            shard.unlink()
    np.testing.assert_array_equal(alone.values, extract(jobs=2).values)
    backwards = extract(table=table[::-1])
    np.testing.assert_array_equal(alone.values, backwards.values[::-1])


@pytest.mark.parametrize("spoil", [lambda b: b[:-10], lambda b: b[:50] + b"x" + b[51:], lambda b: b""])
def test_a_damaged_cache_file_is_rebuilt(extract, tmp_path, spoil):
    first = extract()
    shard = next(p for p in (tmp_path / "cache").rglob("*") if p.is_file())
    shard.write_bytes(spoil(shard.read_bytes()))
    again = extract()
    assert CALLS
    np.testing.assert_array_equal(first.values, again.values)


def test_other_audio_or_parameters_are_computed_anew(extract, table):
    extract()
    changed = table.assign(sha256=["0" * 64, *table.sha256[1:]])
    extract(table=changed)
    assert 0 < len(CALLS) < 40  # the shard of the changed recording only
    extract(Extraction(extract=levels, sample_rate=8_000))
    assert len(CALLS) == 40


def test_copies_are_drawn_by_utterance_and_seed(extract, table):
    extraction = Extraction(extract=levels, sample_rate=16_000, augment={"louder": louder})
    both = extract(extraction, copies=("original", "louder")).values.reshape(40, 2, 4)
    gains = np.sqrt(both[:, 1] / both[:, 0])
    assert len(np.unique(gains[:, 0].round(5))) == 40
    assert (gains > 1).all()
    assert (gains < 2).all()
    backwards = extract(extraction, table=table[::-1], copies=("original", "louder")).values.reshape(40, 2, 4)
    np.testing.assert_array_equal(both, backwards[::-1])
    other = Extraction(extract=levels, sample_rate=16_000, augment={"louder": louder}, seed=1)
    assert not np.allclose(both[:, 1], extract(other, copies=("louder",)).values)


def test_ragged_features_keep_their_lengths(extract):
    features = extract(Extraction(extract=windows, sample_rate=16_000, ragged=True))
    assert features.lengths.tolist() == list(range(4, 44))
    assert features.values.shape == (sum(range(4, 44)), 1000)


def test_different_shapes_are_told(extract):
    with pytest.raises(SerError, match="differ in shape"):
        extract(Extraction(extract=windows, sample_rate=16_000))


def test_all_bad_recordings_are_named_at_once(extract, table):
    for i in (3, 35):
        with open(table.path[i], "wb") as file:
            file.write(b"no sound")
    with pytest.raises(SerError, match=r"2 of 40") as caught:
        extract()
    assert "u03.wav" in str(caught.value)
    assert "u35.wav" in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    rest = extract(skip_bad=True)
    assert rest.lengths.sum() == 38
    assert rest.lengths[3] == rest.lengths[35] == 0
    assert len(rest.bad) == 2


def test_where_none_can_be_used_that_is_the_reason(extract, table):
    for path in table.path:
        with open(path, "wb") as file:
            file.write(b"no sound")
    with pytest.raises(SerError, match=r"^None of 40 recordings can be used:\n") as caught:
        extract(skip_bad=True)
    message = str(caught.value)
    assert "u04.wav: cannot be read as audio" in message
    assert "u05.wav" not in message
    assert "and 35 more" in message
    assert "--skip-bad" not in message


def test_a_long_list_of_bad_recordings_stands_in_a_file(extract, table):
    for i in range(6):
        with open(table.path[i], "wb") as file:
            file.write(b"no sound")
    with pytest.raises(SerError, match="6 of 40") as caught:
        extract()
    file = re.search(r"and 1 more; all of them are listed in (.*)$", str(caught.value), re.MULTILINE)[1]
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    assert [line.split(": ")[0] for line in lines] == list(table.path[:6])
    assert "u05.wav" not in str(caught.value)


def test_a_mistake_in_the_code_names_the_recording(extract):
    with pytest.raises(SerError, match=r"u00\.wav.*ZeroDivisionError"):
        extract(Extraction(extract=lambda y: 1 / 0, sample_rate=16_000))
