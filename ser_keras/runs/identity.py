"""What a run was, in names and numbers, and whether it is what would be run now.

A record says which examples stood in which part, what the features give on fixed signals, the network, loss and
optimiser as Keras serialises them, and every setting. Nothing in it depends on how the code is worded; a run counts
as long as its record agrees with what would be run now. Library versions, device and machine stand beside it and
decide nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.features import probes
from ser_keras.features.extraction import ORIGINAL
from ser_keras.support.errors import SerError
from ser_keras.support.files import digest
from ser_keras.training.description import GIVES
from ser_keras.training.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.protocols import Split

What = dict[str, Any]
PROBED = "speech"  # the probe whose features show the network's input


class Describer:
    """Describes runs; what several share (features of a recipe, its network) is worked out once.

    Args:
        networks: Describe networks, too. That builds them, and so needs a backend.
    """

    def __init__(self, *, networks: bool = True) -> None:
        self.networks = networks
        self._made: dict[tuple, tuple[Any, Any]] = {}

    def _once(self, kind: str, of: Any, key: tuple, make: Any) -> Any:
        """What `make` gives for an object, once; the object is held, so that its id stays its own."""
        full = (kind, id(of), *key)
        if full not in self._made:
            self._made[full] = (of, make())
        return self._made[full][1]

    def features(self, recipe: Recipe, copies: Sequence[str]) -> What:
        """How recordings become features, with the answers to the probes.

        Args:
            recipe: The recipe.
            copies: "original" and names of augmentations.

        Returns:
            `sample_rate`, `offset`, `duration`, `copies`, `probes`, and `seed` where copies are drawn.

        Raises:
            SerError: The features cannot be computed.
        """
        extraction = recipe.extraction
        copies = tuple(copies)
        answers = self._once("features", extraction, copies, lambda: probes.of_extraction(extraction, copies))
        if failed := answers[PROBED].get("error"):
            raise SerError(f"run.py's features cannot be computed ({failed})")
        seed = {"seed": extraction.seed} if copies != (ORIGINAL,) else {}
        return {
            "sample_rate": extraction.sample_rate,
            "offset": extraction.offset,
            "duration": extraction.duration,
            "copies": list(copies),
            **seed,
            "probes": answers,
        }

    def input_shape(self, recipe: Recipe, copies: Sequence[str]) -> tuple[int, ...]:
        """Shape of one example, as the probes show it.

        Args:
            recipe: The recipe.
            copies: "original" and names of augmentations.

        Returns:
            (frames, coefficients), say.

        Raises:
            SerError: The features cannot be computed.
        """
        shape = tuple(self.features(recipe, copies)["probes"][PROBED].get("shape", ()))
        return (recipe.window.length, *shape[1:]) if recipe.window else shape

    def model(self, recipe: Recipe, shape: tuple[int, ...], n_classes: int, precision: str) -> What:
        """Network, loss and optimiser, or a classifier and its parameters.

        Args:
            recipe: The recipe.
            shape: Of one example.
            n_classes: Emotions.
            precision: A name of Keras's.

        Returns:
            As `training.description.of_model`.

        Raises:
            SerError: The recipe's own assertions do not hold, or the network cannot be built.
        """
        from ser_keras.training import description
        from ser_keras.training.fit import dtype_policy

        def build() -> What:
            with asserted(), dtype_policy(precision):
                return description.of_model(recipe.build(shape, n_classes))

        return self._once("model", recipe.build, (shape, n_classes, precision), build)

    def is_network(self, recipe: Recipe, copies: Sequence[str], n_classes: int, precision: str) -> bool:
        """Whether the recipe trains a network, so that a backend computes it.

        Args:
            recipe: The recipe.
            copies: "original" and names of augmentations.
            n_classes: Emotions.
            precision: A name of Keras's.

        Returns:
            False for a scikit-learn classifier.

        Raises:
            SerError: The features cannot be computed, or the network cannot be built.
        """
        return "network" in self.model(recipe, self.input_shape(recipe, copies), n_classes, precision)

    def what(
        self,
        recipe: Recipe,
        *,
        corpus: str,
        audio: str,
        examples: pd.DataFrame,
        split: Split,
        copies: Sequence[str],
        classes: Sequence[str],
        epochs: int,
        precision: str,
        seed: int,
        fold: int,
    ) -> What:
        """All that decides a run's numbers.

        Args:
            recipe: The recipe.
            corpus: The corpus's name.
            audio: A name of its audio.
            examples: The examples that are divided.
            split: Their division.
            copies: The copies among them, "original" first.
            classes: Emotions in the order of the network's outputs.
            epochs: Passes through the training part.
            precision: Keras's dtype policy.
            seed: Start of every random choice.
            fold: Which of the seed's divisions.

        Returns:
            JSON, readable, its entries in the order in which a difference is told.
        """
        from ser_keras.training.fit import LOOP_VERSION

        copies = tuple(copies)
        parts = {"train": split.train, "validation": split.validation, "test": split.test, **split.others}
        # Names take time where windows are many; they are the same for all divisions of the same examples.
        names = self._once("names", examples, (), lambda: example_names(examples))
        what: What = {
            "corpus": {"name": corpus, "audio": audio},
            "classes": list(classes),
            "examples": {part: {"number": len(at), "names": _digest(names[at])} for part, at in parts.items()},
            "features": self.features(recipe, copies),
            "window": asdict(recipe.window) if recipe.window else None,
            "scaler": recipe.scaler,
            "oversample": recipe.oversample,
            "training": {
                "epochs": epochs,
                "batch_size": recipe.batch_size,
                "precision": precision,
                "loop": LOOP_VERSION,
            },
            "seed": seed,
            "fold": fold,
        }
        shape = self.input_shape(recipe, copies)
        if recipe.change:
            change = recipe.change
            what["change"] = self._once("change", change, shape, lambda: probes.of_change(change, shape))
        if self.networks:
            what |= self.network(recipe, shape, len(classes), precision)
        return {key: value for key, value in what.items() if value is not None and value is not False}

    def network(self, recipe: Recipe, shape: tuple[int, ...], n_classes: int, precision: str) -> What:
        """The entries of a description that need a backend.

        Args:
            recipe: The recipe.
            shape: Of one example.
            n_classes: Emotions.
            precision: A name of Keras's.

        Returns:
            `model`, and `callbacks` where there are any.

        Raises:
            SerError: The network cannot be built.
        """
        from ser_keras.training import description

        made = {"model": self.model(recipe, shape, n_classes, precision)}
        if recipe.callbacks:
            make = recipe.callbacks
            made["callbacks"] = self._once("callbacks", make, (), lambda: description.of_callbacks(make))
        return made


def example_names(examples: pd.DataFrame) -> np.ndarray:
    """A name of each example: recording, copy, window and label, shape (examples,).

    Args:
        examples: One row an example: `utterance`, `copy`, `window`, `emotion`.

    Returns:
        Words joined by "/".

    Example:
        >>> import pandas as pd
        >>> row = {"utterance": ["a"], "copy": ["original"], "window": [0], "emotion": ["sad"]}
        >>> example_names(pd.DataFrame(row)).tolist()
        ['a/original/0/sad']
    """
    columns = [examples[name].astype(str) for name in ("utterance", "copy", "window", "emotion")]
    joined = columns[0]
    for column in columns[1:]:
        joined = joined + "/" + column
    return joined.to_numpy(dtype=object)


def audio_name(table: pd.DataFrame) -> str:
    """A name of the audio of an utterance table: it follows from the first 16 digits of each file's SHA-256.

    Args:
        table: Utterance table with the columns `utterance` and `sha256`.

    Returns:
        16 hexadecimal digits, whatever the order of the rows.
    """
    return digest(sorted(zip(table.utterance, table.sha256.str[:16], strict=True)))


def _digest(names: np.ndarray) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def differences(record: What, now: What) -> list[str]:
    """Where a record and what would be run now differ, a sentence each; empty where the run counts.

    Args:
        record: What was run.
        now: What would be run now.

    Returns:
        Sentences without their full stop.

    Example:
        >>> differences({"training": {"epochs": 30}}, {"training": {"epochs": 100}})
        ['training/epochs is 30 in the record and would be 100 now']
    """
    # Where no backend was asked, one of them knows of no network; a run without callbacks has no such entry either.
    unknown = () if "model" in record and "model" in now else ("model", "callbacks")
    found: list[str] = []
    for key in now:
        if key not in unknown:
            found += _differences(key, record.get(key), now[key])
    found += [
        f"{key} is {_short(record[key])} in the record and would not be there now"
        for key in record
        if key not in now and key not in unknown
    ]
    return found


def _differences(path: str, one: Any, other: Any) -> list[str]:
    if path.endswith("/probes") and isinstance(one, Mapping) and isinstance(other, Mapping):
        if missing := sorted(set(one) ^ set(other)):
            return [f"{path}: {', '.join(missing)} is not in both"]
        return [f"{path}/{name}: {difference}" for name, difference in probes.told(one, other).items()]
    if f"/{GIVES}" in path and isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        moved = [
            at
            for at, pair in enumerate(zip(one, other, strict=True))
            if not math.isclose(*pair, rel_tol=1e-4, abs_tol=1e-6)
        ]
        return [f"{path}/{at + 1} is {one[at]:g} in the record and would be {other[at]:g} now" for at in moved[:1]]
    if path == "change" and isinstance(one, Mapping) and isinstance(other, Mapping):
        difference = probes.different(one, other)
        return [f"{path}: {difference}"] if difference else []
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        # Records of before code of one's own was tried out do not say what it gives.
        keys = [key for key in dict.fromkeys([*one, *other]) if key != GIVES or (key in one and key in other)]
        return [line for key in keys for line in _differences(f"{path}/{key}", one.get(key), other.get(key))]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True), 1)
        return [line for number, (a, b) in pairs for line in _differences(f"{path}/{number}", a, b)]
    if _same(one, other):
        return []
    return [f"{path} is {_short(one)} in the record and would be {_short(other)} now"]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=0.0)
    return one == other


def _short(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, list):
        return f"a list of {len(value)}" if len(str(value)) > 60 else str(value)
    if isinstance(value, Mapping):
        return value.get("class", f"a table of {len(value)}") if len(str(value)) > 60 else str(dict(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


@contextmanager
def asserted() -> Iterator[None]:
    """Turn what fails in a script's own code into a sentence: an assertion into the line that fails.

    Raises:
        SerError: In place of an assertion, or of an error of a library that the script calls.
    """
    try:
        yield
    except AssertionError as error:
        raise SerError(f"run.py asserts what is no longer so: {_failed_line(error)}") from error
    except SerError:
        raise
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        raise SerError(f"run.py's network or split cannot be made: {type(error).__name__}: {first}") from error


def _failed_line(error: AssertionError) -> str:
    """The source line of an assertion, without its comment."""
    import linecache

    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).strip()
    return line.split("  #")[0] or str(error)
