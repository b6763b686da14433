"""`name@mark@mark`: a recipe in folders and tables, with what is not the paper's. Written and read here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

SEPARATOR = "@"
WAS = "was-"
BACKENDS = ("jax", "torch", "openvino", "numpy")


@dataclass(frozen=True)
class Variant:
    """A recipe, and how its runs differ from the paper's.

    Attributes:
        recipe: The recipe's name in `run.py`.
        backend: Keras's backend where that is not TensorFlow; else empty.
        precision: The dtype policy where that is not float32; else empty.
        epochs: Another number of epochs; None for the recipe's.
        was: For runs of an older recipe, a name of what it was; else empty.

    Example:
        >>> Variant.parse("code@torch@3-epochs")
        Variant(recipe='code', backend='torch', precision='', epochs=3, was='')
        >>> str(Variant("code", backend="torch", was="1f0a"))
        'code@torch@was-1f0a'
    """

    recipe: str
    backend: str = ""
    precision: str = ""
    epochs: int | None = None
    was: str = ""

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read a variant's name; what is no mark that is known stays part of the recipe's name.

        Args:
            text: As a run's record has it.

        Example:
            >>> Variant.parse("mfcc@3-epochs@jax")
            Variant(recipe='mfcc', ...)
        """
        recipe, *marks = text.split(SEPARATOR)
        found: dict[str, str | int] = {}
        for mark in marks:
            if mark.startswith(WAS):
                found["was"] = mark.removeprefix(WAS)
            elif matched := re.fullmatch(r"(\d+)-epochs", mark):
                found["epochs"] = int(matched[1])
            elif mark in BACKENDS:
                found["backend"] = mark
            else:
                found["precision"] = mark
        return cls(recipe, **found)

    @property
    def marks(self) -> tuple[str, ...]:
        """What is not the paper's, in words."""
        epochs = f"{self.epochs}-epochs" if self.epochs else ""
        was = WAS + self.was if self.was else ""
        return tuple(mark for mark in (self.backend, self.precision, epochs, was) if mark)

    def __str__(self) -> str:
        return SEPARATOR.join([self.recipe, *self.marks])


def recipe_of(text: str) -> str:
    """The recipe's name without marks.

    Args:
        text: A variant's name.

    Returns:
        What stands before the first mark.

    Example:
        >>> recipe_of("mfcc@mixed_bfloat16")
        'mfcc'
    """
    return text.split(SEPARATOR, maxsplit=1)[0]
