"""What runs cost: expected seconds, from the records of earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from ser_keras.runs.run import Run
from ser_keras.runs.variant import recipe_of

UNKNOWN = 600.0  # seconds of a run of which nothing like it was ever made


class Costs:
    """Expected seconds of runs.

    Args:
        records: Records of finished runs, of this machine or another.
        factor: How much slower this machine is than the one of the records.

    Example:
        >>> cell = {"corpus": "c", "protocol": "p", "variant": "v", "seed": 0, "fold": 0}
        >>> costs = Costs([{"cell": cell, "seconds": 60.0}])
        >>> costs.seconds(Run("c", "p", "v", 7, 0)), costs.seconds(Run("c", "q", "v", 0, 0))
        (60.0, 60.0)
    """

    def __init__(self, records: Iterable[Mapping[str, Any]], *, factor: float = 1.0) -> None:
        self.factor = factor
        found: dict[tuple[str, ...], list[float]] = {}
        for record in records:
            run = Run(**record["cell"])
            for key in self._keys(run):
                found.setdefault(key, []).append(float(record["seconds"]))
        self._means = {key: fmean(values) for key, values in found.items()}

    def seconds(self, run: Run) -> float:
        """What a run like the earlier ones takes: of the same protocol and variant, else recipe, else any."""
        return self.factor * next((self._means[key] for key in self._keys(run) if key in self._means), UNKNOWN)

    @staticmethod
    def _keys(run: Run) -> tuple[tuple[str, ...], ...]:
        recipe = recipe_of(run.variant)
        return (run.corpus, run.protocol, run.variant), (run.protocol, recipe), (recipe,), ()
