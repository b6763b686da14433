"""Whether finished runs still count: their records beside what would be run now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.features.extraction import ORIGINAL
from ser_keras.protocols import Split, examples_of
from ser_keras.runs.experiment import Experiment, is_view
from ser_keras.runs.identity import Describer, asserted, audio_name, differences
from ser_keras.runs.planning import chosen_recordings, divided
from ser_keras.support.errors import SerError
from ser_keras.support.folders import user_cache_folder
from ser_keras.support.variant import Variant

if TYPE_CHECKING:
    import pandas as pd

NO_DESCRIPTION = "its record does not say what was run"


class Checker:
    """Compares records of runs with an experiment as it stands.

    Args:
        experiment: The paper as code.
        describer: Describes what would be run; one without networks leaves those uncompared.
        tables: Utterance tables by corpus. Of a corpus that is not here, the published names and checksums serve; of
            one without those, recordings are not compared.
    """

    def __init__(
        self,
        experiment: Experiment,
        describer: Describer | None = None,
        tables: Mapping[str, pd.DataFrame] | None = None,
    ) -> None:
        self.experiment, self.describer = experiment, describer or Describer()
        self.tables: dict[str, pd.DataFrame | None] = dict(tables or {})
        self._kept: dict[tuple, Any] = {}

    def why_not(self, record: dict[str, Any]) -> str:
        """Why a run does not count, in a sentence; empty where it does.

        Args:
            record: The run's.

        Returns:
            The first difference, and how many more there are; or "".
        """
        told = self.differing(record)
        if not told:
            return ""
        more = f" ({len(told) - 1} more differ)" if len(told) > 1 else ""
        return told[0] + more

    def differing(self, record: dict[str, Any]) -> list[str]:
        """Everything in which a record differs from what would be run now, a sentence each.

        Args:
            record: The run's.

        Returns:
            [] where the run counts.
        """
        run, variant = record["cell"], Variant.parse(record["cell"]["variant"])
        if variant.was:
            now = {"cell": run | {"variant": str(replace(variant, was=""))}}
            told = self.differing({**record, **now}) if isinstance(record.get("what"), dict) else []
            return [f"it was run by an older recipe of {variant.recipe}" + (f": {told[0]}" if told else "")]
        if not isinstance(record.get("what"), dict):
            return [record.get("differs") or NO_DESCRIPTION]
        if run["protocol"] not in self.experiment.protocols or is_view(self.experiment.protocols[run["protocol"]]):
            return [f"there is no protocol {run['protocol']!r} with runs of its own now"]
        if variant.recipe not in self.experiment.variants:
            return [f"there is no variant {variant.recipe!r} now"]
        try:
            now = self._now(record, variant)
        except SerError as error:
            return [str(error)]
        if now is None:
            return [f"the protocol has no fold {run['fold']} now"]
        return differences(record["what"], now)

    def _now(self, record: dict[str, Any], variant: Variant) -> dict[str, Any] | None:
        run, what = record["cell"], record["what"]
        recipe = self.experiment.variants[variant.recipe]
        protocol = divided(recipe, self.experiment.protocols[run["protocol"]])
        copies = (ORIGINAL, *protocol.copies)
        # On the synthetic corpus another number of epochs is no mark, and makes no other run.
        own = recipe.epochs if not self._synthetic(run["corpus"]) else what["training"]["epochs"]
        settings = {"epochs": variant.epochs or own, "precision": what["training"]["precision"]}
        chosen = self._chosen(run["corpus"])
        if chosen is None:
            empty = Split(*[np.array([], int)] * 3)
            nothing = _no_examples()
            now = self.describer.what(
                recipe, corpus=run["corpus"], audio="", examples=nothing, split=empty, copies=copies,
                classes=what["classes"], seed=run["seed"], fold=run["fold"], **settings,
            )  # fmt: skip
            return now | {"corpus": what["corpus"], "examples": what["examples"]}
        recordings, classes, audio = chosen
        lengths = record.get("examples_of_recordings")
        examples = self._examples(run["corpus"], recordings, copies, lengths)
        key = ("splits", run["corpus"], run["protocol"], recipe.validates, id(examples), run["seed"])
        if key not in self._kept:
            with asserted():
                self._kept[key] = protocol.splits(examples, run["seed"])
        splits = self._kept[key]
        if run["fold"] >= len(splits):
            return None
        return self.describer.what(
            recipe, corpus=run["corpus"], audio=audio, examples=examples, split=splits[run["fold"]], copies=copies,
            classes=classes, seed=run["seed"], fold=run["fold"], **settings,
        )  # fmt: skip

    def _chosen(self, corpus: str) -> tuple[pd.DataFrame, tuple[str, ...], str] | None:
        """The recordings that would be used, their classes, and the name of the audio; None where nobody can tell."""
        if ("chosen", corpus) not in self._kept:
            table = self.tables.get(corpus)
            table = published(corpus) if table is None else table
            made = None if table is None else (*chosen_recordings(self.experiment, corpus, table), audio_name(table))
            self._kept["chosen", corpus] = made
        return self._kept["chosen", corpus]

    def _examples(
        self, corpus: str, recordings: pd.DataFrame, copies: Sequence[str], lengths: Sequence[int] | None
    ) -> pd.DataFrame:
        key = ("examples", corpus, tuple(copies), None if lengths is None else tuple(lengths))
        if key not in self._kept:
            counts = np.ones(len(recordings) * len(copies), int) if lengths is None else np.array(lengths)
            if len(counts) != len(recordings) * len(copies):
                raise SerError(
                    f"{len(counts)} recordings and copies in the record, {len(recordings) * len(copies)} now"
                )
            self._kept[key] = examples_of(recordings, counts, copies)
        return self._kept[key]

    def _synthetic(self, corpus: str) -> bool:
        from ser_keras.corpora import named

        return named(corpus).synthetic


def published(corpus: str) -> pd.DataFrame | None:
    """The utterance table of a published corpus from its names and checksums alone; None where those are not known.

    The synthetic corpus is made where it is not there yet.

    Args:
        corpus: Its name.

    Returns:
        What its parser tells, and `sha256`; of the synthetic corpus the whole table.
    """
    import pandas as pd

    from ser_keras.corpora import CORPORA

    if corpus not in CORPORA:
        return None
    given = CORPORA[corpus]
    if given.make:
        folder = user_cache_folder() / "corpora" / given.folder
        given.make(folder)
        return given.load(folder)
    if given.parse is None:
        return None
    rows = [(given.parse(Path(f"{name}.wav")) or {}) | {"sha256": sum_} for name, sum_ in given.checksums().items()]
    rows = [row for row in rows if "utterance" in row]
    return pd.DataFrame(rows).sort_values("utterance", ignore_index=True) if rows else None


def _no_examples() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=str) for name in ("utterance", "copy", "window", "emotion")})
