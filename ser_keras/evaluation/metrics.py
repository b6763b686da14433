"""Numbers from predictions: of a set, of each run and part of its data, and of each seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ser_keras.protocols import Protocol
from ser_keras.runs.rows import RUN, WHOLE, moments_of
from ser_keras.support.metric import UTTERANCE, Metric
from ser_keras.training.moments import END

SEED_COLUMNS = ["corpus", "protocol", "variant", "seed", "metric", "value", "n", "recordings"]


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


BY_UTTERANCE = f"{UTTERANCE}/"


def by_unit(predictions: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The predictions that give a metric, and, where windows are scored, those of whole utterances.

    Args:
        predictions: Rows of one run or of many.

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
    """The predictions of all runs, those that a `ScoredOn` protocol looks at repeated under its name.

    Args:
        predictions: Rows of all runs, with `protocol` and `split`.
        protocols: By name.

    Returns:
        Rows of the end of training, and those that each view reads.
    """
    moments = moments_of(predictions)
    views = []
    for name, p in protocols.items():
        if getattr(p, "of", None) and p.scored != "log":
            seen = (predictions.protocol == p.of) & (predictions.split == p.scored)
            views.append(predictions[seen & (moments == getattr(p, "moment", END))].assign(protocol=name))
    joined = pd.concat([predictions[moments == END], *views], ignore_index=True)
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
    """`confusion.csv`: how often each label was given each prediction, a run and part of its data.

    Args:
        predictions: Rows of all runs.

    Returns:
        Columns `corpus`, `protocol`, `variant`, `seed`, `fold`, `split`, `label`, `prediction`, `count`.
    """
    _, predictions = next(by_unit(predictions))
    keys = [*RUN, "split", "label", "prediction"]
    return predictions.groupby(keys, sort=True).size().rename("count").reset_index()


def by_seed(
    predictions: pd.DataFrame, protocols: Mapping[str, Protocol], classes: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """One value a seed: the folds of a seed are pooled, so that every test sample counts once.

    Args:
        predictions: Rows of all runs, views included.
        protocols: By name; rows of others are passed over.
        classes: By corpus.

    Returns:
        Columns `corpus`, `protocol`, `variant`, `seed`, `metric`, `value` (a fraction), `n`, `recordings`, of the
        part that each protocol scores. `confusion/<label>/<prediction>` is a share of the label's samples;
        `train/accuracy` is the accuracy on the training part. Of windows, metrics led by "utterance/" score whole
        utterances. `n` counts samples; `recordings` counts the recordings that a metric rests on, of which copies
        and windows are no further ones (NaN of the training part, whose rows may be without names).
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
            values |= _confusions(scored, classes[key[0]])
            count = _recordings(scored)
            rows += [(*key, unit + metric, value, len(scored), count(metric)) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=SEED_COLUMNS)


def _confusions(scored: pd.DataFrame, classes: Sequence[str]) -> dict[str, float]:
    """Shares of each label that occurs by what it was taken for; what never happened is 0."""
    counts = pd.crosstab(scored.label, scored.prediction).reindex(columns=list(classes), fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    return {
        f"confusion/{label}/{given}": float(share) for label, row in shares.iterrows() for given, share in row.items()
    }


def _recordings(scored: pd.DataFrame) -> Callable[[str], float]:
    """How many recordings a metric rests on.

    The unweighted recall gives each class the same weight: it is as sure as an accuracy on
    classes^2 / sum(1 / recordings of a class) recordings.
    """
    if "utterance" not in scored or scored.utterance.isna().any():
        return lambda metric: np.nan
    counts = scored.drop_duplicates("utterance").label.value_counts()
    balanced = len(counts) ** 2 / (1 / counts).sum()

    def count(metric: str) -> float:
        m = Metric.parse(metric)
        if m.kind in ("uar", "f1_macro"):
            return float(balanced)
        if m.label:
            return float(counts.get(m.label, np.nan))
        return np.nan if m.part == "train" else float(counts.sum())

    return count


def logged_by_seed(history: pd.DataFrame, protocols: Mapping[str, Protocol]) -> pd.DataFrame:
    """What `Logged` protocols read from the training logs, in the form of `by_seed`; folds are averaged.

    Args:
        history: Losses and accuracies by epoch, of all runs.
        protocols: By name.

    Returns:
        Accuracies, fractions.
    """
    rows = []
    for name, p in protocols.items():
        if p.scored != "log":
            continue
        of = history[history.protocol == p.of]
        if (epoch := getattr(p, "epoch", None)) is not None:
            of = of[of.epoch == epoch]
        last = of.sort_values("epoch").groupby(RUN).tail(1)
        for (corpus, variant, seed), group in last.groupby(["corpus", "variant", "seed"], sort=True):
            rows.append((corpus, name, variant, seed, "accuracy", float(group[p.column].mean()), len(group), np.nan))
    return pd.DataFrame(rows, columns=SEED_COLUMNS)
