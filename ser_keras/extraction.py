"""Features of a whole corpus: in parallel, kept on disk, resumable.

Work is cut into shards of a few recordings. A worker decodes, augments, extracts and writes its shard, so that
no audio and no feature travels between processes and memory does not grow with the corpus beyond the features.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras import audio
from ser_keras.errors import BadAudioError, SerError, TooShortError
from ser_keras.files import atomic, digest
from ser_keras.fingerprint import fingerprint
from ser_keras.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

ORIGINAL = "original"
SHARD = 32  # recordings
LIBRARIES = ("numpy", "scipy", "librosa", "soundfile", "soxr")

Extractor = Callable[[np.ndarray], np.ndarray]
Augmenter = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """How a recording becomes features: all that the values depend on, but the audio.

    Attributes:
        extract: Waveform (samples,) -> features, float32, of one shape for all recordings.
        sample_rate: Rate of the waveform in Hz.
        offset: Where reading starts, in seconds.
        duration: How much is read, in seconds; None reads all.
        ragged: Recordings differ in the first axis of their features (windows, say).
        augment: Name of a copy -> function (waveform, generator) -> waveform. The unchanged recording is always
            there and is called "original".
        seed: Start of the generators given to `augment`.
    """

    extract: Extractor
    sample_rate: int
    offset: float = 0.0
    duration: float | None = None
    ragged: bool = False
    augment: Mapping[str, Augmenter] | None = None
    seed: int = 0

    def fingerprint(self, copies: Sequence[str]) -> str:
        """A name of the code and parameters that make these copies' features."""
        augment = [fingerprint(self.augment[name]) for name in copies if name != ORIGINAL]
        parameters = [list(copies), self.sample_rate, self.offset, self.duration, self.seed if augment else 0]
        return digest([fingerprint(self.extract), fingerprint(audio.load), *augment, parameters])

    def key(self, copies: Sequence[str]) -> str:
        """The cache's name for these features: code, parameters and libraries' versions."""
        from importlib.metadata import version

        return digest([self.fingerprint(copies), {name: version(name) for name in LIBRARIES}])

    def features(self, path: str, utterance: str, copies: Sequence[str]) -> list[np.ndarray]:
        """The features of one recording, for each of its copies.

        The generator of a copy depends on the seed, the utterance and the copy's name alone, so that neither the
        order of recordings nor the number of workers changes a value.
        """
        waveform = audio.load(path, sample_rate=self.sample_rate, offset=self.offset, duration=self.duration)
        results = []
        for name in copies:
            y = waveform
            if name != ORIGINAL:
                rng = np.random.default_rng([self.seed, zlib.crc32(f"{utterance}/{name}".encode())])
                y = self.augment[name](waveform, rng)
            values = np.asarray(self.extract(y), dtype=np.float32)
            if not np.isfinite(values).all():
                raise BadAudioError(f"{path}: gives features that are not finite ({name})")
            results.append(values)
        return results


@dataclass(frozen=True)
class Features:
    """Features of a corpus.

    Attributes:
        values: float32; shape (utterances * copies, ...) with the copies of one recording side by side, or, if
            ragged, all recordings' first axes joined.
        lengths: Rows of `values` that belong to each (utterance, copy); all 1 unless ragged.
        bad: Path and reason of each recording that could not be used.
    """

    values: np.ndarray
    lengths: np.ndarray
    bad: dict[str, str]


def extract_corpus(
    table: pd.DataFrame,
    extraction: Extraction,
    *,
    cache: Path,
    copies: Sequence[str] = (ORIGINAL,),
    jobs: int = -1,
    skip_bad: bool = False,
) -> Features:
    """Features of every recording of an utterance table, from the cache where it has them.

    Args:
        table: Utterance table with columns `utterance`, `path`, `sha256`.
        extraction: What to compute.
        cache: Folder in which shards are kept.
        copies: "original" and names of `extraction.augment`.
        jobs: Parallel workers; -1 uses every core.
        skip_bad: Leave recordings out that cannot be used, in place of raising; their `lengths` are 0.

    Returns:
        The features, in the order of `table`.

    Raises:
        SerError: Recordings cannot be used; all of them are named.
    """
    import joblib
    from threadpoolctl import threadpool_limits

    copies = tuple(copies)
    folder = cache / extraction.key(copies)
    rows = list(zip(table.utterance, table.path, table.sha256, strict=True))
    shards = [rows[i : i + SHARD] for i in range(0, len(rows), SHARD)]
    loaded = [_read(folder / _name(shard)) for shard in shards]
    todo = [i for i, shard in enumerate(loaded) if shard is None]
    if todo:
        # NumPy, soxr and libsndfile let threads run side by side, which start at once and share their tables;
        # augmentations loop in Python and need processes.
        run = joblib.Parallel(
            n_jobs=min(joblib.cpu_count(), len(todo)) if jobs == -1 else jobs,
            prefer="threads" if copies == (ORIGINAL,) else "processes",
            return_as="generator",
        )
        work = (joblib.delayed(_compute)(folder, shards[i], extraction, copies) for i in todo)
        progress = Progress("extracting features (recordings)", sum(len(shards[i]) for i in todo))
        # One thread for each matrix product: products this small are slower on several.
        with progress, threadpool_limits(1, user_api="blas"):
            for i, made in zip(todo, run(work), strict=True):
                loaded[i] = made or _read(folder / _name(shards[i]))
                progress.step(by=len(shards[i]))
    bad = {path: reason for shard in loaded for path, reason in shard.bad.items()}
    if bad and not skip_bad:
        listed = "\n".join(f"  {reason}" for reason in bad.values())
        raise SerError(
            f"{len(bad)} of {len(rows):,} recordings cannot be used:\n{listed}\n"
            "Mend them, or pass --skip-bad to leave them out; the tables then count them."
        )
    return _join(loaded, bad)


def _name(shard: Sequence[tuple[str, str, str]]) -> str:
    return digest([(utterance, checksum) for utterance, _, checksum in shard])


def _compute(
    folder: Path, shard: Sequence[tuple[str, str, str]], extraction: Extraction, copies: tuple[str, ...]
) -> Features | None:
    """Compute a shard and write it to the cache; one with unusable recordings in it is handed back instead."""
    made: list[np.ndarray] = []
    lengths, bad = [], {}
    for utterance, path, _ in shard:
        try:
            features = extraction.features(path, utterance, copies)
        except BadAudioError as error:
            bad[path] = str(error)
        except TooShortError as error:
            bad[path] = f"{path}: {error}"
        except Exception as error:
            raise SerError(f"{path}: feature extraction failed: {type(error).__name__}: {error}") from error
        else:
            made += features if extraction.ragged else [values[None] for values in features]
        lengths += [0] * len(copies) if path in bad else [len(values) for values in made[-len(copies) :]]
    _one_shape(made)
    values = np.concatenate(made) if made else np.empty((0,), np.float32)
    result = Features(values, np.array(lengths), bad)
    if bad:
        return result
    buffer = io.BytesIO()
    np.savez(buffer, values=result.values, lengths=result.lengths)
    content = buffer.getvalue()
    with atomic(folder / _name(shard)) as partial:
        partial.write_bytes(hashlib.sha256(content).digest() + content)
    return None


def _read(path: Path) -> Features | None:
    """A shard from the cache; None where it is absent, or not the bytes that were written."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    with np.load(io.BytesIO(content[32:]), allow_pickle=False) as arrays:
        return Features(arrays["values"], arrays["lengths"], {})


def _join(shards: list[Features], bad: dict[str, str]) -> Features:
    """One array of all shards, giving each shard's memory back as it is copied."""
    total = sum(len(shard.values) for shard in shards)
    shape = _one_shape([shard.values for shard in shards if len(shard.values)])
    lengths = np.concatenate([shard.lengths for shard in shards])
    values = np.empty((total, *shape), np.float32)
    start = 0
    for i, shard in enumerate(shards):
        values[start : start + len(shard.values)] = shard.values
        start += len(shard.values)
        shards[i] = None
    return Features(values, lengths, bad)


def _one_shape(arrays: list[np.ndarray]) -> tuple[int, ...]:
    """The shape that all arrays have behind their first axis."""
    shapes = sorted({array.shape[1:] for array in arrays})
    if len(shapes) > 1:
        raise SerError(f"Features differ in shape between recordings, {shapes[0]} and {shapes[1]}: pad or cut them.")
    return shapes[0] if shapes else ()
