"""Numbers from predictions, their spread over seeds, and what that says about a reported number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser_keras.protocols import Protocol

RUN = ["corpus", "protocol", "variant", "seed", "fold"]
TOLERANCE = 1.0  # points: a reported value this near to the mean counts as reproduced
LEVEL = 0.95
SEEDS_NEEDED = 3  # with two, Student's t is 12.7: the interval would hold nearly everything


def metrics(labels: Sequence[str], predictions: Sequence[str], classes: Sequence[str]) -> dict[str, float]:
    """All metrics of one set of predictions, as fractions.

    Args:
        labels: True classes, shape (samples,).
        predictions: Predicted classes, shape (samples,).
        classes: All classes, in the order of the tables.

    Returns:
        `accuracy` (weighted accuracy, WA: the share that is right), `uar` (unweighted average recall, UA: the
        mean of the classes' recalls, over classes that occur), `f1_macro`, and `precision/<class>`,
        `recall/<class>`, `f1/<class>`. What is undefined (the recall of a class that does not occur) is NaN.

    Example:
        >>> m = metrics(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["a", "b"])
        >>> m["accuracy"], round(m["uar"], 3), m["precision/b"]
        (0.75, 0.833, 0.5)
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=list(classes), zero_division=np.nan
    )
    occurs = support > 0
    result = {
        "accuracy": float(np.mean(labels == predictions)),
        "uar": float(np.mean(recall[occurs])),
        "f1_macro": float(np.mean(np.nan_to_num(f1[occurs]))),
    }
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        result |= {f"{name}/{c}": float(v) for c, v in zip(classes, values, strict=True)}
    return result


WHOLE = -1  # in the column `window`: the whole utterance
BY_UTTERANCE = "utterance/"


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


def by_unit(predictions: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The predictions that give a metric, and, where windows are scored, those of whole utterances.

    Yields:
        What leads a metric's name ("", then "utterance/"), and the rows.
    """
    if "window" not in predictions:
        yield "", predictions
        return
    whole = predictions.window == WHOLE
    yield "", predictions[~whole]
    if whole.any():
        yield BY_UTTERANCE, predictions[whole]


def with_views(predictions: pd.DataFrame, protocols: Mapping[str, Protocol]) -> pd.DataFrame:
    """The predictions of all runs, those that a `ScoredOn` protocol looks at repeated under its name."""
    moments = predictions.moment if "moment" in predictions else pd.Series("end", index=predictions.index)
    views = []
    for name, p in protocols.items():
        if getattr(p, "of", None) and p.scored != "log":
            seen = (predictions.protocol == p.of) & (predictions.split == p.scored)
            views.append(predictions[seen & (moments == getattr(p, "moment", "end"))].assign(protocol=name))
    joined = pd.concat([predictions[moments == "end"], *views], ignore_index=True)
    return joined.drop(columns="moment", errors="ignore")


def tidy(predictions: pd.DataFrame, classes: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """`results.csv`: one row a run, part of its data, and metric.

    Args:
        predictions: Columns `corpus`, `protocol`, `variant`, `seed`, `fold`, `split`, `label`, `prediction`, and
            `p_label`, the probability given to the true class.
        classes: The classes of each corpus.

    Returns:
        Columns `corpus`, `protocol`, `variant`, `seed`, `fold`, `split`, `metric`, `value` (a fraction; `loss` in
        nats), `n` (samples). Of windows, metrics led by "utterance/" score whole utterances.
    """
    rows = []
    for run, group in predictions.groupby([*RUN, "split"], sort=True):
        for unit, scored in by_unit(group):
            values = metrics(scored.label, scored.prediction, classes[run[0]])
            if "p_label" in scored:
                values["loss"] = float(-np.log(np.maximum(scored.p_label, 1e-7)).mean())
            rows += [(*run, unit + metric, value, len(scored)) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=[*RUN, "split", "metric", "value", "n"])


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """`confusion.csv`: how often each label was given each prediction, a run and part of its data."""
    _, predictions = next(by_unit(predictions))
    keys = [*RUN, "split", "label", "prediction"]
    return predictions.groupby(keys, sort=True).size().rename("count").reset_index()


def by_seed(
    predictions: pd.DataFrame, protocols: Mapping[str, Protocol], classes: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """One value a seed: the folds of a seed are pooled, so that every test sample counts once.

    Returns:
        Columns `corpus`, `protocol`, `variant`, `seed`, `metric`, `value` (a fraction), `n`, of the part that
        each protocol scores. `confusion/<label>/<prediction>` is a share of the label's samples; `train/accuracy`
        is the accuracy on the training part. Of windows, metrics led by "utterance/" score whole utterances.
    """
    rows = []
    for key, group in predictions.groupby(["corpus", "protocol", "variant", "seed"], sort=True):
        if key[1] not in protocols:
            continue
        for unit, rows_of in by_unit(group):
            scored = rows_of[rows_of.split == protocols[key[1]].scored]
            train = rows_of[rows_of.split == "train"]
            if scored.empty:
                continue
            values = metrics(scored.label, scored.prediction, classes[key[0]])
            if len(train):
                values["train/accuracy"] = float(np.mean(train.label == train.prediction))
            shares = pd.crosstab(scored.label, scored.prediction, normalize="index")
            values |= {
                f"confusion/{label}/{given}": float(share)
                for label, row in shares.iterrows()
                for given, share in row.items()
            }
            rows += [(*key, unit + metric, value, len(scored)) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=["corpus", "protocol", "variant", "seed", "metric", "value", "n"])


def logged_by_seed(history: pd.DataFrame, protocols: Mapping[str, Protocol]) -> pd.DataFrame:
    """What `Logged` protocols read from the training logs, in the form of `by_seed`; folds are averaged."""
    rows = []
    for name, p in protocols.items():
        if p.scored != "log":
            continue
        of = history[history.protocol == p.of]
        if (epoch := getattr(p, "epoch", None)) is not None:
            of = of[of.epoch == epoch]
        last = of.sort_values("epoch").groupby(RUN).tail(1)
        for (corpus, variant, seed), group in last.groupby(["corpus", "variant", "seed"], sort=True):
            rows.append((corpus, name, variant, seed, "accuracy", float(group[p.column].mean()), len(group)))
    return pd.DataFrame(rows, columns=["corpus", "protocol", "variant", "seed", "metric", "value", "n"])


@dataclass(frozen=True)
class Spread:
    """Values of one metric over seeds, in per cent.

    Attributes:
        n: Number of seeds.
        mean: Their mean.
        sd: Their standard deviation (n - 1); NaN for one seed.
        low: Lower end of the 95 % prediction interval for one further run; NaN for one seed.
        high: Its upper end.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Mean, standard deviation and 95 % prediction interval of shares: where one more run would fall.

    The interval is mean +- t * sd * sqrt(1 + 1/n), with Student's t for n - 1 degrees of freedom, on the scale
    arcsin(sqrt(share)), which steadies the variance of shares and keeps the interval within 0 and 100 %. Seeds are
    taken as draws from one distribution. The interval is wide for few seeds, and should be.

    Args:
        values: One value a seed, in per cent.

    Returns:
        The spread, in per cent.

    Example:
        >>> s = spread([60.0, 62.0, 64.0])
        >>> round(s.mean, 1), round(s.sd, 1), round(s.low, 1), round(s.high, 1)
        (62.0, 2.0, 51.8, 71.7)
    """
    from scipy import stats

    values = np.asarray(list(values), dtype=float)
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Spread(n, mean, math.nan, math.nan, math.nan)
    angles = np.arcsin(np.sqrt(values / 100))
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * np.std(angles, ddof=1) * math.sqrt(1 + 1 / n)
    ends = np.clip([np.mean(angles) - half, np.mean(angles) + half], 0, np.pi / 2)
    low, high = 100 * np.sin(ends) ** 2
    return Spread(n, mean, float(np.std(values, ddof=1)), float(low), float(high))


def agrees(reported: float, s: Spread) -> bool:
    """Whether a reported value lies in the prediction interval, or within one point of the mean (in per cent).

    Example:
        >>> agrees(57.8, spread([57.0, 57.2, 57.1])), agrees(97.3, spread([60.0, 62.0, 64.0]))
        (True, False)
    """
    return s.n >= SEEDS_NEEDED and (s.low <= reported <= s.high or abs(reported - s.mean) <= TOLERANCE)


def verdict(reported: float, spreads: Mapping[str, Spread], *, reason: str = "") -> str:
    """The verdict on a reported number.

    Args:
        reported: The paper's number, in per cent.
        spreads: What each protocol gave, in per cent; "paper" is the paper's own protocol.
        reason: Why nothing was run, where that is so.

    Returns:
        "reproduced", "explained by PROTOCOL" (of several, the one whose mean is nearest), "not reproduced",
        "one seed", "two seeds" or "not run".

    Example:
        >>> verdict(97.3, {"paper": spread([60, 62, 64]), "training_accuracy": spread([97, 99, 98])})
        'explained by training_accuracy'
    """
    own = spreads.get("paper")
    if own is None:
        return f"not run: {reason}" if reason else "not run"
    if own.n < SEEDS_NEEDED:
        return "one seed" if own.n == 1 else "two seeds"
    if agrees(reported, own):
        return "reproduced"
    others = {name: s for name, s in spreads.items() if name != "paper" and agrees(reported, s)}
    if others:
        return f"explained by {min(others, key=lambda name: abs(reported - others[name].mean))}"
    return "not reproduced"
