"""Rows of predictions: what leads them, and whole utterances where windows are predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser_keras.training.moments import END

RUN = ["corpus", "protocol", "variant", "seed", "fold"]
WHOLE = -1  # in the column `window`: the whole utterance


def whole_utterances(predictions: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """One prediction an utterance, by the mean probability over its windows.

    Args:
        predictions: `predictions.csv` of a cell: columns `utterance`, `window`, `split`, `label`, `prediction` and
            `p_<class>`.
        classes: All classes.

    Returns:
        The same columns, `window` being `WHOLE`; where an utterance's windows stand in several parts of the data,
        it has a row in each.
    """
    columns = [f"p_{name}" for name in classes]
    keys = [c for c in ("utterance", "copy", "split", "label") if c in predictions]
    whole = predictions.groupby(keys, sort=False)[columns].mean().reset_index()
    prediction = np.array(classes)[whole[columns].to_numpy().argmax(axis=1)]
    return whole.assign(prediction=prediction, window=WHOLE)[predictions.columns]


def moments_of(predictions: pd.DataFrame) -> pd.Series:
    """The moment of training that each row is of; rows of runs that know of none are of their end.

    Args:
        predictions: Rows of runs.

    Returns:
        Indexed as the rows.

    Example:
        >>> import pandas as pd
        >>> moments_of(pd.DataFrame({"moment": ["best_on_test", None]})).tolist() == ["best_on_test", END]
        True
    """
    if "moment" not in predictions:
        return pd.Series(END, index=predictions.index)
    return predictions.moment.fillna(END)
