"""What a trained model says of recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from ser_keras.corpora.listing import kind, walk
from ser_keras.features import audio
from ser_keras.features.extraction import ORIGINAL
from ser_keras.prediction.hearing import WHOLE, pieces
from ser_keras.prediction.model import Model, load
from ser_keras.support.errors import BadAudioError, SerError, TooShortError
from ser_keras.support.names import printable
from ser_keras.support.parallel import results
from ser_keras.support.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

SHARD = 16  # recordings that a worker takes at a time
BATCH = 512  # pieces that are held before the network sees them


@dataclass(frozen=True)
class Predicted:
    """What a model says.

    Attributes:
        table: One row a recording, or a piece of a long one: `path`, `start` and `end` in seconds, `prediction`, and
            `p_<class>`, which sum to 1.
        unusable: Path and reason, a sentence, of each recording without a row.
        silent: Pieces of long recordings without a row, as nothing is heard there; a sentence each.
        model: The model.
    """

    table: pd.DataFrame
    unusable: dict[str, str]
    silent: list[str]
    model: Model = field(repr=False)


@dataclass
class _Heard:
    """Features of one recording: of each piece its start, its end and what the extraction gave."""

    path: str
    parts: list[tuple[float, float, np.ndarray]] = field(default_factory=list)
    reason: str = ""
    silent: list[str] = field(default_factory=list)


def predict(
    model: Model | Path | str,
    paths: Path | str | Iterable[Path | str],
    *,
    every: float | None = None,
    jobs: int = -1,
    papers: Path | str | None = None,
) -> Predicted:
    """Probabilities of the emotions in recordings.

    A recording of up to six seconds is one utterance, handled as those in training are; of a longer one every piece
    is, side by side, each as long as the model listens to. Files are read as in training: any format, rate and number
    of channels that the suite reads.

    Args:
        model: A model, its folder, a run's folder, or a paper's name; see `load`.
        paths: Recordings, and folders whose recordings are meant, those of their folders included.
        every: Seconds from one piece of a long recording to the next; None puts them side by side.
        jobs: Workers; -1 for every core.
        papers: The folder of all papers; None looks where `runs.script.find` does.

    Returns:
        A table, and what could not be used; no value is ever NaN.

    Raises:
        SerError: The model cannot be used, or nothing was named.

    Example:
        >>> predict("jin2022", "my.wav").table.prediction[0]  # doctest: +SKIP
        'calm'
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    if every is not None and not every > 0:
        raise SerError(f"Pieces cannot follow every {every:g} seconds: take a number above 0.")
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    model = model if isinstance(model, Model) else load(model, papers=papers)
    files, unusable = _files(given)
    silent: list[str] = []
    rows: list[tuple[str, float, float, np.ndarray]] = []
    waiting: list[tuple[str, float, float, np.ndarray]] = []

    def see() -> None:
        if waiting:
            probabilities = model.probabilities([features for *_, features in waiting])
            for (path, start, end, _), found in zip(waiting, probabilities, strict=True):
                if np.isfinite(found).all():
                    rows.append((path, start, end, found))
                else:
                    unusable[path] = f"{printable(path)}: the network gives no finite number for it"
            waiting.clear()

    shards = [files[i : i + SHARD] for i in range(0, len(files), SHARD)]
    with (
        Progress("predicting (recordings)", len(files)) as progress,
        threadpool_limits(1, user_api="blas"),
        results(_hearing(model, every), shards, jobs=jobs, threads=True) as made,
    ):
        for shard in made:
            for heard in shard:
                if heard.reason:
                    unusable[heard.path] = heard.reason
                silent += heard.silent
                waiting += [(heard.path, *part) for part in heard.parts]
            if len(waiting) >= BATCH:
                see()
            progress.step(by=len(shard))
        see()
    probabilities = np.array([found for *_, found in rows], np.float32).reshape(len(rows), len(model.classes))
    table = pd.DataFrame(
        {
            "path": [path for path, *_ in rows],
            "start": [start for _, start, _, _ in rows],
            "end": [end for _, _, end, _ in rows],
            "prediction": np.array(model.classes, dtype=object)[probabilities.argmax(axis=1)] if rows else [],
            **{f"p_{name}": probabilities[:, i] for i, name in enumerate(model.classes)},
        }
    )
    return Predicted(table, unusable, silent, model)


def _files(given: Sequence[Path | str]) -> tuple[list[str], dict[str, str]]:
    """The recordings that are meant, each once, and what is none."""
    if not given:
        raise SerError("No recording was named.")
    found: dict[str, None] = {}
    wrong: dict[str, str] = {}
    for path in given:
        what = kind(Path(path))
        if what == "a directory":
            inside = [str(file) for file in walk(Path(path)) if kind(file) == ""]
            if not inside:
                wrong[str(path)] = f"{printable(path)}: holds no recording"
            found |= dict.fromkeys(inside)
        elif what:
            wrong[str(path)] = f"{printable(path)}: " + ("is not there" if what == "absent" else f"is {what}")
        else:
            found[str(path)] = None
    return list(found), wrong


def _hearing(model: Model, every: float | None) -> Callable[[Sequence[str], Callable[[], bool]], list[_Heard]]:
    """What a worker does: features of a few recordings."""

    def hear(shard: Sequence[str], stopped: Callable[[], bool]) -> list[_Heard]:
        made = []
        for path in shard:
            if stopped():
                break
            heard = _Heard(path)
            try:
                _features(model, heard, every)
            except BadAudioError as error:
                heard.reason = str(error)
            except TooShortError as error:
                heard.reason = f"{printable(path)}: {error}"
            made.append(heard)
        return made

    return hear


def _features(model: Model, heard: _Heard, every: float | None) -> None:
    extraction, path = model.recipe.extraction, heard.path
    seconds = _seconds(path)
    starts = pieces(seconds, offset=extraction.offset, span=model.description["hears"], every=every)
    if len(starts) == 1:
        heard.parts.append((0.0, seconds, extraction.features(path, path, (ORIGINAL,))[0]))
        return
    rate, offset = extraction.sample_rate, extraction.offset
    waveform = audio.load(path, sample_rate=rate)
    span = model.description["hears"] or WHOLE
    for start in starts:
        begin = round((start + offset) * rate)
        piece = waveform[begin : begin + round(span * rate)]
        times = (start + offset, min(start + offset + span, len(waveform) / rate))
        try:
            if not piece.any():
                raise TooShortError("is digital silence")
            values = np.asarray(extraction.extract(piece), dtype=np.float32)
            if not np.isfinite(values).all():
                raise TooShortError("gives features that are not finite")
        except TooShortError as error:
            heard.silent.append(f"{printable(path)}, {times[0]:.1f} to {times[1]:.1f} s: {error}")
        else:
            heard.parts.append((*times, values))
    if not heard.parts:
        raise BadAudioError(f"{printable(path)}: no piece of it can be used")


def _seconds(path: str) -> float:
    """Length by the file's header; 0 where that cannot be read, and reading the sound says what is wrong."""
    try:
        info = soundfile.info(path)
        return info.frames / info.samplerate
    except (OSError, RuntimeError, ValueError, ZeroDivisionError):
        return 0.0
