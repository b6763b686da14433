"""The files of a model folder: what they are called, and whether they are what was written.

`model.keras` (architecture and weights), `scaler.json` (means and deviations), `model.json` (everything else that a
prediction needs), `README.md` (the model card) and `SHA256SUMS`. None of them holds code.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.runs.folder import MODEL, SCALER
from ser_keras.support.errors import SerError
from ser_keras.support.files import atomic, read_json, sha256, write_json, write_text
from ser_keras.support.names import printable
from ser_keras.training.scaling import Scaler

if TYPE_CHECKING:
    import keras

DESCRIPTION, CARD, SUMS = "model.json", "README.md", "SHA256SUMS"
FILES = (MODEL, SCALER, DESCRIPTION, CARD)
FORMAT = 1
FULL, COMPACT = "float32", "compact"
KEPT_BITS = 12  # of a compact weight's 23 behind the point: float16 keeps 10, which moves probabilities by over 0.001
WEIGHTS = "model.weights.h5"  # within Keras's archive


def write(
    folder: Path, *, network: keras.Model, scaler: Scaler, description: dict[str, Any], card: str, precision: str
) -> None:
    """Write a model folder; its sums come last, so that a folder with them is whole.

    Args:
        folder: Where to; files of an earlier model there are replaced.
        network: The network.
        scaler: What its features are standardised by.
        description: What `model.json` says.
        card: The model card.
        precision: "float32"; or "compact", matrices of weights rounded and compressed to 60 % of the space.
    """
    (folder / SUMS).unlink(missing_ok=True)
    with atomic(folder / MODEL) as partial:
        network.save(partial)
        if precision == COMPACT:
            _compact(partial)
    write_json(folder / SCALER, scaler.to_json())
    write_json(folder / DESCRIPTION, {"format": FORMAT} | description)
    write_text(folder / CARD, card)
    write_text(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in FILES))


def rounded(values: np.ndarray) -> np.ndarray:
    """float32 values to the nearest that has `KEPT_BITS` bits behind the point; the others are 0 and compress well.

    Args:
        values: float32, of any shape.

    Returns:
        float32, the shape of `values`.

    Example:
        >>> rounded(np.array([1.0, 1 / 3], np.float32)).tolist()
        [1.0, 0.33331298828125]
    """
    dropped = np.uint32(23 - KEPT_BITS)
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return (((bits + (np.uint32(1) << (dropped - 1))) >> dropped) << dropped).view(np.float32)


def _compact(archive: Path) -> None:
    """Round and compress the matrices in a Keras archive; it stays one that Keras reads by itself.

    Vectors stay as they are: they are small, and batch normalisation divides by some of them.
    """
    import h5py

    with tempfile.TemporaryDirectory() as place:
        with zipfile.ZipFile(archive) as given:
            given.extractall(place)
            names = given.namelist()
        whole, small = Path(place) / WEIGHTS, Path(place) / "small.h5"
        with h5py.File(whole) as source, h5py.File(small, "w") as target:
            target.attrs.update(source.attrs)

            def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Group):
                    made = target.require_group(name)
                elif item.ndim > 1 and item.dtype == np.float32:
                    made = target.create_dataset(name, data=rounded(item[:]), compression=9, shuffle=True)
                else:
                    made = target.create_dataset(name, data=item[()])
                made.attrs.update(item.attrs)

            source.visititems(copy)
        shutil.move(small, whole)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            for name in names:
                made.write(Path(place) / name, name)


def read(folder: Path) -> tuple[dict[str, Any], Scaler]:
    """What a model folder says, and its scaler.

    Args:
        folder: What `write` wrote.

    Returns:
        What `model.json` says, and the scaler.

    Raises:
        SerError: A file is missing or is not what was written.
    """
    shown = printable(folder)
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").split("\n")
        sums = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines if line)}
    except (OSError, ValueError) as error:
        raise SerError(f"{shown} is no whole model: it has no {SUMS} that can be read. Export it again.") from error
    for name in FILES:
        if not (folder / name).is_file():
            raise SerError(f"{shown} is no whole model: {name} is missing. Export or fetch it again.")
        if sums.get(name) != sha256(folder / name):
            raise SerError(f"{shown}: {name} is not what was written. Export or fetch it again.")
    description = read_json(folder / DESCRIPTION)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise SerError(f"{shown}: {DESCRIPTION} is of another format than {FORMAT}: this suite is older or newer.")
    try:
        return description, Scaler.from_json(read_json(folder / SCALER))
    except (KeyError, TypeError, ValueError) as error:
        raise SerError(f"{shown}: {SCALER} makes no sense ({type(error).__name__}).") from error


def read_network(path: Path) -> keras.Model:
    """A network from Keras's archive, without its optimiser; nothing that is code is loaded.

    Args:
        path: A `.keras` file.

    Returns:
        The network, not compiled.

    Raises:
        SerError: Keras cannot read it.
    """
    from ser_keras.training import backend

    backend.prepare_backend()
    import keras

    # Registered with Keras when they are loaded.
    from ser_keras import losses  # noqa: F401
    from ser_keras.training import activations, initialisers, optimisers  # noqa: F401

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        reason = printable(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
        raise SerError(f"{printable(path)} cannot be loaded by Keras: {reason[:200]}") from error
