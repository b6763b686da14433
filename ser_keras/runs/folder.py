"""A run's folder: what is in it, and whether it is whole.

`predictions.csv`, `history.csv`, perhaps `moments.csv`, and perhaps `model.keras` with its `scaler.json`; `cell.json`,
the record, is written last and has the checksum of each file that a number rests on, and of itself.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.runs.run import RECORD
from ser_keras.support.files import atomic, digest, read_json, sha256, write_json
from ser_keras.training import backend

if TYPE_CHECKING:
    import pandas as pd

    from ser_keras.training.scaling import Scaler


PREDICTIONS, HISTORY, MOMENTS = "predictions.csv", "history.csv", "moments.csv"
MODEL, SCALER = "model.keras", "scaler.json"  # kept together, or neither
ITSELF = "sha256"  # the record's own checksum, over all its other entries


def predictions_table(
    examples: pd.DataFrame, parts: Mapping[str, np.ndarray], probabilities: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """One row an example and part: `utterance`, `split`, `label`, `prediction`, `p_<class>` ...

    The columns `copy` and `window` are there where a recording gives more than one example.

    Args:
        examples: One row an example: `utterance`, `copy`, `window`, `emotion`.
        parts: By name, positions of examples.
        probabilities: Shape (examples, classes).
        classes: In the order of the probabilities.

    Returns:
        Rows by part, in the order of the positions.

    Example:
        >>> import pandas as pd
        >>> examples = pd.DataFrame({"utterance": ["a"], "copy": ["original"], "window": [0], "emotion": ["sad"]})
        >>> table = predictions_table(examples, {"test": [0]}, np.array([[0.2, 0.8]]), ["happy", "sad"])
        >>> table.to_dict("records")
        [{'utterance': 'a', 'split': 'test', 'label': 'sad', 'prediction': 'sad', 'p_happy': 0.2, 'p_sad': 0.8}]
    """
    import pandas as pd

    names = np.array(classes)
    tables = []
    for part, positions in parts.items():
        chosen = examples.iloc[positions]
        shown = {"utterance": chosen.utterance.to_numpy()}
        shown |= {c: chosen[c].to_numpy() for c in ("copy", "window") if examples[c].nunique() > 1}
        shown |= {"split": part, "label": chosen.emotion.to_numpy()}
        shown |= {"prediction": names[probabilities[positions].argmax(axis=1)]}
        shown |= {f"p_{name}": probabilities[positions, i] for i, name in enumerate(classes)}
        tables.append(pd.DataFrame(shown))
    return pd.concat(tables, ignore_index=True)


def write(
    folder: Path,
    *,
    model: Any | None,
    scaler: Scaler | None = None,
    history: pd.DataFrame,
    predictions: pd.DataFrame,
    moments: pd.DataFrame | None,
    record: dict[str, Any],
) -> None:
    """Write a finished run; the record comes last, so that a folder with one is whole.

    Args:
        folder: The run's folder.
        model: A Keras model to keep, or its file's bytes; a scikit-learn model would be a pickle, and those are not
            exchanged.
        scaler: What the features were standardised by, kept with the model: without it the model is of no use.
        history: One row an epoch.
        predictions: As `predictions_table`.
        moments: The same for further moments, led by `moment`; None for none.
        record: All that the record says but the checksums.
    """
    (folder / RECORD).unlink(missing_ok=True)
    for name in (MODEL, SCALER, MOMENTS):
        (folder / name).unlink(missing_ok=True)
    if isinstance(model, bytes) or hasattr(model, "save"):
        with atomic(folder / MODEL) as partial:
            if isinstance(model, bytes):
                partial.write_bytes(model)
            else:
                model.save(partial)
        if scaler is not None:
            write_json(folder / SCALER, scaler.to_json())
    tables = {HISTORY: history, PREDICTIONS: predictions} | ({} if moments is None else {MOMENTS: moments})
    for name, table in tables.items():
        with atomic(folder / name) as partial:
            table.to_csv(partial, index=False, float_format="%.6g" if name != HISTORY else None)
    seal(folder, record | {"files": {name: sha256(folder / name) for name in tables}})


def seal(folder: Path, record: dict[str, Any]) -> None:
    """Write a record with its own checksum.

    Args:
        folder: The run's.
        record: What JSON has; a checksum that it bears is replaced.

    Raises:
        SerError: It cannot be written.
    """
    rest = {key: value for key, value in record.items() if key != ITSELF}
    write_json(folder / RECORD, rest | {ITSELF: digest(rest)})


def read(folder: Path) -> dict[str, Any] | None:
    """The record of a run that is whole; None where there is none. See `damage` for what is wrong with it.

    Args:
        folder: The run's; it may be absent.

    Returns:
        The record, or None.
    """
    return None if damage(folder) else read_json(folder / RECORD)


def damage(folder: Path) -> str:
    """What is wrong with a run's folder, in a few words; empty where it is whole.

    A copied or moved folder is damaged, too: its record names another place.

    Args:
        folder: The run's; it may be absent.

    Example:
        >>> damage(Path("no such folder"))
        'no record: the run did not end'
    """
    record = read_json(folder / RECORD)
    if record is None:
        return f"{RECORD} is no JSON" if (folder / RECORD).exists() else "no record: the run did not end"
    try:
        rest = {key: value for key, value in record.items() if key != ITSELF}
        if record.get(ITSELF) != digest(rest):
            return f"{RECORD} is not what was written"
        run = record["cell"]
        place = (run["corpus"], run["protocol"], run["variant"], f"seed{run['seed']}", f"fold{run['fold']}")
        if folder.resolve().parts[-5:] != place:
            return f"it is a copy: the record says {'/'.join(place)}"
        if lacking := {HISTORY, PREDICTIONS} - record["files"].keys():
            return f"{RECORD} does not name {min(lacking)}"
        for name, checksum in record["files"].items():
            if not (folder / name).is_file():
                return f"{name} is missing"
            if sha256(folder / name) != checksum:
                return f"{name} is not what was written"
    except (AttributeError, KeyError, TypeError, OSError) as error:
        return f"{RECORD} is not what was written ({type(error).__name__})"
    return ""


def environment() -> dict[str, Any]:
    """Versions, device, machine and commit: what a reader needs to judge a difference in the last digit."""
    from importlib.metadata import PackageNotFoundError, version

    used = backend.name()
    versions = {}
    for name in ("ser-keras", "keras", used, "numpy", "scipy", "librosa", "scikit-learn"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not a package"
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "device": backend.device(),
        "backend": used,
        "versions": versions,
        "git_commit": git_commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def git_commit() -> str:
    """The checkout's commit, with "+" behind it where tracked files differ from it; "unknown" outside git."""
    here = Path(__file__).parent
    try:
        describe = ["git", "-C", str(here), "describe", "--always", "--abbrev=12", "--dirty=+"]
        return subprocess.run(describe, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
