"""The moments of a training at which its network is asked: which epoch a paper reports is part of what it did.

A run ends as its recipe says. Beside that, every example may be predicted by the network as it was

- `last`: after the last epoch, whatever a callback restores then;
- `best_on_validation`, `best_on_test`: after the epoch with the highest accuracy on that part (of equals the first);
- `epoch_N`: after epoch N;
- `recalibrated`: at the end, with the means and variances of batch normalisation computed anew on the training part.

So selection rules and recalibration are views of the same runs, and no weights need be kept.
"""

from __future__ import annotations

import re

END, LAST, RECALIBRATED = "end", "last", "recalibrated"
BEST = {"best_on_validation": "validation", "best_on_test": "test"}
NAMED = (END, LAST, RECALIBRATED, *BEST)
EPOCH = re.compile(r"epoch_(\d+)")


def is_moment(name: str) -> bool:
    """Whether a word names a moment.

    Args:
        name: The word.

    Returns:
        True for "epoch_N" and the names of `NAMED`.

    Example:
        >>> is_moment("epoch_30"), is_moment("best_on_test"), is_moment("best")
        (True, True, False)
    """
    return name in NAMED or EPOCH.fullmatch(name) is not None
