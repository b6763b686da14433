"""From utterances to examples: one row for each thing that a network is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def examples_of(table: pd.DataFrame, lengths: np.ndarray, copies: Sequence[str]) -> pd.DataFrame:
    """One row an example, in the order of the features: utterances, within them copies, within them windows.

    Args:
        table: The utterance table.
        lengths: Examples of each (utterance, copy), as `extraction.Features.lengths`, shape
            (utterances * copies,).
        copies: Names of the copies, "original" first.

    Returns:
        The utterance table's columns, `copy` and `window`.

    Example:
        >>> import pandas as pd
        >>> made = examples_of(pd.DataFrame({"utterance": ["a", "b"]}), np.array([2, 1, 0, 1]), ("original", "noise"))
        >>> made.utterance.tolist(), made["copy"].tolist(), made.window.tolist()
        (['a', 'a', 'a', 'b'], ['original', 'original', 'noise', 'noise'], [0, 1, 0, 0])
    """
    rows = np.repeat(np.repeat(np.arange(len(table)), len(copies)), lengths)
    examples = table.iloc[rows].reset_index(drop=True)
    examples["copy"] = np.repeat(np.tile(np.array(copies), len(table)), lengths)
    examples["window"] = np.concatenate([np.arange(n) for n in lengths]) if len(lengths) else []
    return examples
