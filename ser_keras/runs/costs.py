"""What runs cost: expected seconds, memory and disk, from the records of earlier ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from ser_keras.runs.run import Run
from ser_keras.support.variant import recipe_of

UNKNOWN = 600.0  # seconds of a run of which nothing like it was ever made
FLOAT = 4  # bytes
NAMES, NUMBER = 40, 10  # characters in a row of predictions: names, and a probability
STATES = 3  # numbers that a model's file keeps of a weight: its value and two of an optimiser
Record = Mapping[str, Any]


class Costs:
    """Expected costs of runs.

    Args:
        records: Records of finished runs, of this machine or another.
        gflops: What this machine reaches (`machine.gflops`), so that the seconds of another one are scaled; None
            takes them as they are.

    Example:
        >>> cell = {"corpus": "c", "protocol": "p", "variant": "v", "seed": 0, "fold": 0}
        >>> costs = Costs([{"cell": cell, "seconds": 60.0, "measured": {"gflops": 50.0}}], gflops=100.0)
        >>> costs.seconds(Run("c", "p", "v", 7, 0)), costs.seconds(Run("c", "q", "v", 0, 0))
        (30.0, 30.0)
    """

    def __init__(self, records: Iterable[Record], *, gflops: float | None = None) -> None:
        self.gflops = gflops
        self._found: dict[tuple[str, ...], list[Record]] = {}
        self.unscaled = 0  # records that do not say how fast their machine was
        for record in records:
            self.unscaled += not _measured(record, "gflops")
            for key in self._keys(Run(**record["cell"])):
                self._found.setdefault(key, []).append(record)

    def seconds(self, run: Run) -> float:
        """What a run like the earlier ones takes: of the same protocol and variant, else recipe, else any.

        Args:
            run: The planned run.

        Returns:
            Seconds on this machine; `UNKNOWN` where there are no earlier runs.
        """
        known = self._likest(run)
        return fmean(self._scaled(record) for record in known) if known else UNKNOWN

    def memory(self, run: Run) -> tuple[float, bool]:
        """Megabytes that such a run takes, and whether that was measured; else it is what its features take.

        Args:
            run: The planned run.

        Returns:
            Megabytes, 0 where nothing is known; and True for a measured peak.
        """
        known = self._likest(run)
        if peaks := [peak for record in known if (peak := _measured(record, "peak_mb"))]:
            return max(peaks), True
        return max(map(feature_bytes, known), default=0.0) / 2**20, False

    def disk(self, runs: Sequence[Run]) -> float:
        """Megabytes that runs of one protocol and variant leave: features, predictions, one model.

        Args:
            runs: The planned runs.

        Returns:
            Megabytes; 0 where nothing is known.
        """
        known = self._likest(runs[0]) if runs else []
        if not known:
            return 0.0
        rows = fmean(NAMES + NUMBER * len(_parameters(record).get("classes", ())) for record in known)
        each = rows * fmean(map(_examples, known))
        model = max(STATES * FLOAT * (_parameters(record).get("weights") or 0) for record in known)
        return (max(map(feature_bytes, known)) + each * len(runs) + model) / 2**20

    def _scaled(self, record: Record) -> float:
        theirs = _measured(record, "gflops")
        return float(record["seconds"]) * (theirs / self.gflops if theirs and self.gflops else 1.0)

    def _likest(self, run: Run) -> list[Record]:
        return next((self._found[key] for key in self._keys(run) if key in self._found), [])

    @staticmethod
    def _keys(run: Run) -> tuple[tuple[str, ...], ...]:
        recipe = recipe_of(run.variant)
        return (run.corpus, run.protocol, run.variant), (run.protocol, recipe), (recipe,), ()


def feature_bytes(record: Record) -> float:
    """What the features of a run's examples take, float32; of windows, each frame once.

    Args:
        record: The run's.

    Returns:
        Bytes; 0 where the record has no input shape.

    Example:
        >>> feature_bytes({})
        0.0
    """
    shape = _parameters(record).get("input_shape", [])
    window = record.get("what", {}).get("window")
    once = min(1.0, window["shift"] / window["length"]) if window else 1.0
    return FLOAT * once * math.prod(shape) * _examples(record) if shape else 0.0


def _examples(record: Record) -> int:
    return sum(part["number"] for part in record.get("what", {}).get("examples", {}).values())


def _parameters(record: Record) -> Record:
    return record.get("parameters", {})


def _measured(record: Record, name: str) -> float:
    return float(record.get("measured", {}).get(name) or 0)
