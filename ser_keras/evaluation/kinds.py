"""Which metrics are of one kind: pooled with each other, permuted among each other, judged by one margin."""

from __future__ import annotations

from ser_keras.support.metric import Metric

OVERALL = ("accuracy", "uar", "f1_macro")


def kind_of(metric: str, scored: str = "test") -> str:
    """The kind of a metric on a part of the data.

    Numbers of the training part and of the training log are kinds of their own: they spread otherwise. A right
    prediction in a confusion matrix is a recall.

    Args:
        metric: Its name.
        scored: The part of the data that it is taken on: "test", "validation", "train" or "log".

    Returns:
        Words joined by "/".

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> kind_of("recall/sad"), kind_of("confusion/sad/sad"), kind_of("utterance/confusion/sad/happy")
        ('recall', 'recall', 'utterance/confusion')
        >>> kind_of("accuracy", "train"), kind_of("train/accuracy"), kind_of("accuracy", "log")
        ('train/accuracy', 'train/accuracy', 'log/accuracy')
    """
    m = Metric.parse(cell_of(metric))
    part = m.part if m.kind == "accuracy" and m.part else scored
    return "/".join(filter(None, (m.unit, part if part in ("train", "log") else "", m.kind)))


def cell_of(metric: str) -> str:
    """The metric under one name: the diagonal of a confusion matrix is the recall.

    Args:
        metric: Its name.

    Returns:
        A metric's name.

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> cell_of("confusion/sad/sad"), cell_of("confusion/sad/happy"), cell_of("utterance/confusion/sad/sad")
        ('recall/sad', 'confusion/sad/happy', 'utterance/recall/sad')
    """
    m = Metric.parse(metric)
    return str(Metric("recall", m.label, unit=m.unit)) if m.kind == "confusion" and m.label == m.prediction else metric


def emotion_of(metric: str) -> str:
    """The emotion whose recordings a metric is taken over; empty where it is over all of them.

    Args:
        metric: Its name.

    Returns:
        The label, or "".

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> emotion_of("utterance/recall/sad"), emotion_of("confusion/sad/happy"), emotion_of("train/accuracy")
        ('sad', 'sad', '')
    """
    return Metric.parse(metric).label


def is_mistake(metric: str) -> bool:
    """Whether it is a wrong prediction's share of a label.

    Args:
        metric: Its name.

    Returns:
        False for the diagonal of a confusion matrix.

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> is_mistake("confusion/sad/happy"), is_mistake("confusion/sad/sad")
        (True, False)
    """
    return Metric.parse(cell_of(metric)).kind == "confusion"


def is_share(metric: str) -> bool:
    """Whether it tells how the recordings are divided, which is no outcome.

    Args:
        metric: Its name.

    Returns:
        True for "share/<part>" alone.

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> is_share("share/train"), is_share("accuracy")
        (True, False)
    """
    return Metric.parse(metric).kind == "share"
