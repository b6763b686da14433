"""Features of a whole corpus: in parallel, kept on disk, resumable.

Work is cut into shards of a few recordings. A worker decodes, augments, extracts and writes its shard, so that
no audio and no feature travels between processes and memory does not grow with the corpus beyond the features.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_keras.features import audio, probes
from ser_keras.features.fingerprint import fingerprint
from ser_keras.support.errors import BadAudioError, SerError, TooShortError
from ser_keras.support.files import atomic, digest, write_text
from ser_keras.support.names import SHOWN, printable
from ser_keras.support.parallel import results
from ser_keras.support.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

ORIGINAL = "original"
SHARD = 32  # recordings
LIBRARIES = ("numpy", "scipy", "librosa", "soundfile", "soxr")

Row = tuple[str, str, str]  # utterance, path, SHA-256
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
        """A name of the code and parameters that make these copies' features.

        Args:
            copies: "original" and names of `augment`.

        Returns:
            Hexadecimal digits; equal for equal code and parameters.
        """
        augment = [fingerprint(self.augment[name]) for name in copies if name != ORIGINAL]
        parameters = [list(copies), self.sample_rate, self.offset, self.duration, self.seed if augment else 0]
        return digest([fingerprint(self.extract), fingerprint(audio.load), *augment, parameters])

    def key(self, copies: Sequence[str]) -> str:
        """The cache's name for these features: code, what it gives on fixed signals, and libraries' versions.

        Args:
            copies: "original" and names of `augment`.

        Returns:
            The name of a folder in the cache, in hexadecimal digits.
        """
        from importlib.metadata import version

        answers = probes.of_extraction(self, copies)
        return digest([self.fingerprint(copies), answers, {name: version(name) for name in LIBRARIES}])

    def features(self, path: str, utterance: str, copies: Sequence[str]) -> list[np.ndarray]:
        """The features of one recording, for each of its copies.

        The generator of a copy depends on the seed, the utterance and the copy's name alone, so that neither the
        order of recordings nor the number of workers changes a value.

        Args:
            path: The recording.
            utterance: Its name, which seeds the generators of its copies.
            copies: "original" and names of `augment`.

        Returns:
            One float32 array a copy, of the shape that `extract` gives.

        Raises:
            BadAudioError: The recording cannot be used, or its features are not finite.
            TooShortError: It is too short for the features.
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
                raise BadAudioError(f"{printable(path)}: gives features that are not finite ({name})")
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


# (extraction, copies, shards) -> each shard with its features, in their order.
Elsewhere = Callable[[Extraction, tuple[str, ...], Sequence[Sequence[Row]]], Iterable[tuple[Sequence[Row], Features]]]


def extract_corpus(
    table: pd.DataFrame,
    extraction: Extraction,
    *,
    cache: Path,
    copies: Sequence[str] = (ORIGINAL,),
    jobs: int = -1,
    skip_bad: bool = False,
    elsewhere: Elsewhere | None = None,
) -> Features:
    """Features of every recording of an utterance table, from the cache where it has them.

    Args:
        table: Utterance table with columns `utterance`, `path`, `sha256`.
        extraction: What to compute.
        cache: Folder in which shards are kept.
        copies: "original" and names of `extraction.augment`.
        jobs: Parallel workers; -1 uses every core.
        skip_bad: Leave recordings out that cannot be used, in place of raising; their `lengths` are 0.
        elsewhere: Computes shards on other machines, in place of workers here.

    Returns:
        The features, in the order of `table`.

    Raises:
        SerError: Recordings cannot be used; all of them are named.
    """
    from threadpoolctl import threadpool_limits

    copies = tuple(copies)
    folder = cache / extraction.key(copies)
    rows = list(zip(table.utterance, table.path, table.sha256, strict=True))
    shards = [rows[i : i + SHARD] for i in range(0, len(rows), SHARD)]
    collected = _Collection(len(rows) * len(copies), ragged=extraction.ragged)
    todo = []
    for i, shard in enumerate(shards):
        if (known := _read(folder / _name(shard))) is None:
            todo.append(i)
        else:
            collected.put(i, known, first=i * SHARD * len(copies))
    if todo:
        compute = functools.partial(_compute, folder, extraction, copies)
        # NumPy, soxr and libsndfile let threads run side by side, which start at once and share their tables;
        # augmentations loop in Python and need processes.
        threads = copies == (ORIGINAL,)
        progress = Progress("extracting features (recordings)", sum(len(shards[i]) for i in todo))
        waiting = [shards[i] for i in todo]
        spread = (
            results(compute, waiting, jobs=jobs, threads=threads)
            if elsewhere is None
            else nullcontext(_stored(folder, shard, made) for shard, made in elsewhere(extraction, copies, waiting))
        )
        # One thread for each matrix product: products this small are slower on several.
        with progress, threadpool_limits(1, user_api="blas"), spread as shards_made:
            for i, made in zip(todo, shards_made, strict=True):
                collected.put(i, made or _read(folder / _name(shards[i])), first=i * SHARD * len(copies))
                progress.step(by=len(shards[i]))
    features = collected.features()
    if features.bad:
        listed = _listed(list(features.bad.values()), folder / "unusable.txt")
        if not features.lengths.any():
            raise SerError(f"None of {len(rows):,} recordings can be used:\n{listed}")
        if not skip_bad:
            raise SerError(
                f"{len(features.bad):,} of {len(rows):,} recordings cannot be used:\n{listed}\n"
                "Mend them, or pass --skip-bad to leave them out; the tables then count them."
            )
    return features


def _listed(reasons: Sequence[str], file: Path) -> str:
    """A line each for a few reasons; of more, the first, and the file in which all of them then stand."""
    lines = [f"  {reason}" for reason in reasons[:SHOWN]]
    if len(reasons) > SHOWN:
        rest = f"  and {len(reasons) - SHOWN:,} more"
        with contextlib.suppress(SerError):  # a list that cannot be written is no reason to hide the message
            write_text(file, "\n".join(reasons) + "\n")
            rest += f"; all of them are listed in {printable(file)}"
        lines.append(rest)
    return "\n".join(lines)


class _Collection:
    """Shards, put together as they come, so that no feature is held twice.

    Of recordings that all give one row the number is known beforehand, and each shard goes to its place at once;
    ragged ones are joined at the end.
    """

    def __init__(self, rows: int, *, ragged: bool) -> None:
        self.rows, self.ragged = rows, ragged
        self.values: np.ndarray | None = None
        self.shards: dict[int, Features] = {}
        self.places: dict[int, slice] = {}

    def put(self, number: int, shard: Features, *, first: int) -> None:
        """Take shard `number`, whose first row would be row `first` if all recordings are usable."""
        if not self.ragged and len(shard.values):
            if self.values is None:
                self.values = np.empty((self.rows, *shard.values.shape[1:]), np.float32)
            _check_one_shape([self.values, shard.values])
            self.places[number] = slice(first, first + len(shard.values))
            self.values[self.places[number]] = shard.values
            shard = replace(shard, values=shard.values[:0].copy())
        self.shards[number] = shard

    def features(self) -> Features:
        """All shards in order."""
        shards = [self.shards[number] for number in sorted(self.shards)]
        lengths = np.concatenate([shard.lengths for shard in shards])
        bad = {path: reason for shard in shards for path, reason in shard.bad.items()}
        if not self.ragged and lengths.sum() == self.rows:
            return Features(self.values, lengths, bad)
        if self.ragged:
            parts = [shard.values for shard in shards if len(shard.values)]
        else:  # recordings are left out: close the gaps
            parts = [self.values[self.places[number]] for number in sorted(self.places)]
        return Features(_concatenated(parts), lengths, bad)


def _name(shard: Sequence[Row]) -> str:
    return digest([(utterance, checksum) for utterance, _, checksum in shard])


def _compute(
    folder: Path,
    extraction: Extraction,
    copies: tuple[str, ...],
    shard: Sequence[Row],
    stopped: Callable[[], bool],
) -> Features | None:
    """Compute a shard and write it to the cache; one with unusable recordings in it is handed back instead."""
    made = features_of(extraction, copies, shard, stopped)
    return made and _stored(folder, shard, made)


def _stored(folder: Path, shard: Sequence[Row], made: Features) -> Features | None:
    """Write a shard to the cache; one with unusable recordings in it is handed back instead."""
    if made.bad:
        return made
    buffer = io.BytesIO()
    np.savez(buffer, values=made.values, lengths=made.lengths)
    content = buffer.getvalue()
    with atomic(folder / _name(shard)) as partial:
        partial.write_bytes(hashlib.sha256(content).digest() + content)
    return None


def features_of(
    extraction: Extraction, copies: Sequence[str], shard: Sequence[Row], stopped: Callable[[], bool] = lambda: False
) -> Features | None:
    """The features of a few recordings, those that cannot be used left out and named; None where it was stopped.

    Args:
        extraction: What to compute.
        copies: "original" and names of `extraction.augment`.
        shard: Utterance, path and SHA-256 of each recording.
        stopped: Asked before each recording whether to stop.

    Returns:
        The features, one behind the other; `bad` names what was left out.

    Raises:
        SerError: The extraction itself failed.
    """
    made: list[np.ndarray] = []
    lengths, bad = [], {}
    for utterance, path, _ in shard:
        if stopped():
            return None
        try:
            features = extraction.features(path, utterance, copies)
        except BadAudioError as error:
            bad[path] = str(error)
        except TooShortError as error:
            bad[path] = f"{printable(path)}: {error}"
        except Exception as error:
            reason = f"{type(error).__name__}: {printable(error)}"
            raise SerError(f"{printable(path)}: feature extraction failed: {reason}") from error
        else:
            made += features if extraction.ragged else [values[None] for values in features]
        lengths += [0] * len(copies) if path in bad else [len(values) for values in made[-len(copies) :]]
    return Features(_concatenated(made), np.array(lengths), bad)


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


def _concatenated(parts: list[np.ndarray]) -> np.ndarray:
    """The parts joined along their first axis; empty for none."""
    _check_one_shape(parts)
    return np.concatenate(parts) if parts else np.empty((0,), np.float32)


def _check_one_shape(arrays: list[np.ndarray]) -> None:
    """Refuse arrays that differ behind their first axis."""
    shapes = sorted({array.shape[1:] for array in arrays})
    if len(shapes) > 1:
        raise SerError(f"Features differ in shape between recordings, {shapes[0]} and {shapes[1]}: pad or cut them.")
