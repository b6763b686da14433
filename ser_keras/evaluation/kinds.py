"""Which metrics are of one kind: pooled with each other, permuted among each other, judged by one margin."""

from __future__ import annotations

from ser_keras.evaluation.metrics import BY_UTTERANCE

OVERALL = ("accuracy", "uar", "f1_macro")


def kind_of(metric: str, scored: str = "test") -> str:
    """The kind of a metric on a part of the data.

    Numbers of the training part and of the training log are kinds of their own: they spread otherwise. A right
    prediction in a confusion matrix is a recall.

    Example:
        >>> kind_of("recall/sad"), kind_of("confusion/sad/sad"), kind_of("utterance/confusion/sad/happy")
        ('recall', 'recall', 'utterance/confusion')
        >>> kind_of("accuracy", "train"), kind_of("train/accuracy"), kind_of("accuracy", "log")
        ('train/accuracy', 'train/accuracy', 'log/accuracy')
    """
    unit = BY_UTTERANCE if metric.startswith(BY_UTTERANCE) else ""
    first, *names = cell_of(metric).removeprefix(unit).split("/")
    if first == "train":
        return f"{unit}train/{names[0]}"
    return f"{unit}{scored}/{first}" if scored in ("train", "log") else unit + first


def cell_of(metric: str) -> str:
    """The metric under one name: the diagonal of a confusion matrix is the recall.

    Example:
        >>> cell_of("confusion/sad/sad"), cell_of("confusion/sad/happy"), cell_of("utterance/confusion/sad/sad")
        ('recall/sad', 'confusion/sad/happy', 'utterance/recall/sad')
    """
    unit = BY_UTTERANCE if metric.startswith(BY_UTTERANCE) else ""
    kind, *names = metric.removeprefix(unit).split("/")
    return f"{unit}recall/{names[0]}" if kind == "confusion" and names[0] == names[-1] else metric


def emotion_of(metric: str) -> str:
    """The emotion whose recordings a metric is taken over; empty where it is over all of them.

    Example:
        >>> emotion_of("utterance/recall/sad"), emotion_of("confusion/sad/happy"), emotion_of("train/accuracy")
        ('sad', 'sad', '')
    """
    kind, *names = metric.removeprefix(BY_UTTERANCE).split("/")
    return names[0] if kind in ("precision", "recall", "f1", "confusion") else ""


def is_mistake(metric: str) -> bool:
    """Whether it is a wrong prediction's share of a label.

    Example:
        >>> is_mistake("confusion/sad/happy"), is_mistake("confusion/sad/sad")
        (True, False)
    """
    return cell_of(metric).removeprefix(BY_UTTERANCE).startswith("confusion/")


def is_share(metric: str) -> bool:
    """Whether it tells how the recordings are divided, which is no outcome."""
    return metric.startswith("share/")
