"""The rules that divide examples: at random, in folds, by group, by a fixed list of speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ser_keras.features.extraction import ORIGINAL
from ser_keras.protocols.base import Protocol, Split
from ser_keras.support.errors import ImpossibleError

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = "sample"  # drawn one by one, whatever recording they are of


@dataclass(frozen=True, kw_only=True)
class RandomSplit(Protocol):
    """Parts drawn at random: speakers and sentences stand on both sides, and of recordings what `by` allows.

    Attributes:
        test: Fraction of the examples.
        validation: Fraction of what is left after the test part.
        stratify: Keep the fractions of the emotions.
        by: What is drawn: "sample", so that copies and windows of one recording may stand on both sides, or
            "utterance", which keeps them together; validation and test then hold originals alone.

    Example:
        >>> import pandas as pd
        >>> examples = pd.DataFrame({"emotion": ["sad", "happy"] * 10})
        >>> split = RandomSplit(note="", test=0.2).splits(examples, seed=0)[0]
        >>> len(split.train), len(split.test)
        (16, 4)
    """

    test: float
    validation: float = 0.0
    stratify: bool = True
    by: str = SAMPLE

    @property
    def columns(self) -> tuple[str, ...]:
        """Emotions to stratify by, and what is drawn."""
        return ("emotion",) * self.stratify + (self.by,) * (self.by != SAMPLE)

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """One division: `test` of all examples, then `validation` of the rest.

        Args:
            examples: One row an example, with `utterance`, `emotion`, `copy` and the column that is kept together.
            seed: Of the draw.

        Returns:
            One split.

        Raises:
            ImpossibleError: The examples cannot be divided so.
        """
        everything = np.arange(len(examples))
        train, test = draw(examples, everything, self.test, seed, by=self.by, stratify=self.stratify)
        train, validation = draw(examples, train, self.validation, seed, by=self.by, stratify=self.stratify)
        if self.by != SAMPLE:
            validation, test = originals(examples, validation), originals(examples, test)
        return [Split(train, validation, test)]


@dataclass(frozen=True, kw_only=True)
class StratifiedKFold(Protocol):
    """Folds of examples that keep the fractions of the emotions; speakers and sentences stand on both sides.

    Attributes:
        folds: How many.

    Example:
        >>> import pandas as pd
        >>> examples = pd.DataFrame({"emotion": ["sad", "happy"] * 10})
        >>> [len(split.test) for split in StratifiedKFold(note="", folds=5).splits(examples, seed=0)]
        [4, 4, 4, 4, 4]
    """

    covers: ClassVar[bool] = True

    folds: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Emotions to stratify by."""
        return ("emotion",)

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """`folds` divisions; the seed deals the examples to them.

        Args:
            examples: One row an example, with the column `emotion`.
            seed: Of the deal.

        Returns:
            One split a fold, without a validation part.

        Raises:
            ImpossibleError: An emotion has fewer examples than there are folds.
        """
        from sklearn import model_selection

        counts = examples.emotion.value_counts()
        if counts.empty or counts.min() < self.folds:
            rarest = f'of "{counts.idxmin()}" it has {counts.min()}' if len(counts) else "it has none"
            raise ImpossibleError(f"{self.folds} stratified folds need as many recordings of each emotion; {rarest}")
        folds = model_selection.StratifiedKFold(self.folds, shuffle=True, random_state=seed)
        dealt = folds.split(examples.emotion, examples.emotion)
        return [Split(train, np.array([], dtype=int), test) for train, test in dealt]


@dataclass(frozen=True, kw_only=True)
class GroupKFold(Protocol):
    """Folds that keep all examples of a speaker (or session, or text) together: each is tested once, unheard.

    A corpus with fewer groups than folds leaves one group out in turn. Validation and test hold original recordings
    alone.

    Attributes:
        folds: How many; None makes one of each group (leave one speaker out).
        by: The column that is kept together.
        validation: Fraction of the training groups that is set aside for validation.

    Example:
        >>> import pandas as pd
        >>> examples = pd.DataFrame({"speaker": list("aabbccdd"), "copy": "original"})
        >>> protocol = GroupKFold(note="", folds=5)
        >>> [split.test.tolist() for split in protocol.splits(examples, seed=0)]
        [[4, 5], [6, 7], [2, 3], [0, 1]]
        >>> protocol.remark(examples)
        'one speaker left out in turn: the corpus has 4, fewer than 5 folds'
    """

    covers: ClassVar[bool] = True

    folds: int | None
    by: str = "speaker"
    validation: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """What is kept together."""
        return (self.by,)

    def column(self, examples: pd.DataFrame) -> str:
        """The column that is kept together in these examples: `by`; a paper's own protocol may choose.

        Args:
            examples: One row an example.

        Returns:
            The column's name.
        """
        return self.by

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """`folds` divisions, or one for each group where those are fewer; the seed deals the groups to them.

        Args:
            examples: One row an example, with `utterance`, `copy` and the column that is kept together.
            seed: Of the deal.

        Returns:
            One split a fold; validation and test hold originals only.

        Raises:
            ImpossibleError: There are too few groups.
        """
        from sklearn import model_selection

        by = self.column(examples)
        groups = examples[by].to_numpy()
        there = len(np.unique(groups))
        needed = 3 if self.validation else 2
        if there < needed:
            parts = "training, validation and test" if self.validation else "training and test"
            raise ImpossibleError(f"folds by {by} need {needed}, one each for {parts}; the corpus has {there}")
        folds = model_selection.GroupKFold(min(self.folds or there, there), shuffle=True, random_state=seed)
        made = []
        for rest, test in folds.split(groups, groups=groups):
            train, validation = draw(examples, rest, self.validation, seed, by=by, stratify=False)
            made.append(Split(train, originals(examples, validation), originals(examples, test)))
        return made

    def remark(self, examples: pd.DataFrame) -> str:
        """That one group is left out in turn where there are fewer of them than folds.

        Args:
            examples: One row an example, with the column that is kept together.

        Returns:
            A sentence without its full stop, or "".
        """
        by = self.column(examples)
        there = examples[by].nunique()
        if not self.folds or there >= self.folds:
            return ""
        return f"one {by} left out in turn: the corpus has {there}, fewer than {self.folds} folds"


@dataclass(frozen=True, kw_only=True)
class LastSpeakers(Protocol):
    """A fixed division by speaker: the last of the corpus's speakers are tested, those before them validate.

    Validation and test hold original recordings alone.

    Attributes:
        test: How many speakers are tested.
        validation: How many are set aside for validation.

    Example:
        >>> import pandas as pd
        >>> examples = pd.DataFrame({"speaker": ["03", "16", "15", "16"], "copy": "original"})
        >>> split = LastSpeakers(note="", test=1, validation=1).splits(examples, seed=0)[0]
        >>> split.train, split.validation, split.test
        (array([0]), array([2]), array([1, 3]))
    """

    test: int
    validation: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Who speaks."""
        return ("speaker",)

    def splits(self, examples: pd.DataFrame, seed: int) -> list[Split]:
        """The one division, whatever the seed.

        Args:
            examples: One row an example, with `speaker` and `copy`; speakers are ordered by name.
            seed: Not used.

        Returns:
            One split; validation and test hold originals only.

        Raises:
            ImpossibleError: Nobody is left to train on.
        """
        speakers = sorted(examples.speaker.unique())
        held_out = self.test + self.validation
        if len(speakers) <= held_out:
            raise ImpossibleError(
                f"{held_out} held-out speakers leave nobody to train on; the corpus has {len(speakers)}"
            )
        first_test = len(speakers) - self.test
        groups = (
            speakers[: first_test - self.validation],
            speakers[first_test - self.validation : first_test],
            speakers[first_test:],
        )
        train, validation, test = (np.flatnonzero(examples.speaker.isin(group)) for group in groups)
        return [Split(train, originals(examples, validation), originals(examples, test))]


PLENTY = 20  # recordings of each emotion, of which every fraction and fold can be drawn


def number_of_splits(protocol: Protocol, examples: pd.DataFrame, seed: int) -> int:
    """How many divisions a protocol makes for a seed, without drawing them where the rule tells.

    Args:
        protocol: The protocol.
        examples: One row an example, as `Protocol.splits` takes them.
        seed: As for `Protocol.splits`.

    Returns:
        The number of folds; 1 for a protocol that divides once.

    Raises:
        ImpossibleError: The examples cannot be divided so.

    Example:
        >>> import pandas as pd
        >>> number_of_splits(GroupKFold(note="", folds=5), pd.DataFrame({"speaker": list("aabbccdd")}), seed=0)
        4
    """
    rule = type(protocol).splits
    if rule is GroupKFold.splits and protocol.validation <= 0.5:
        there = examples[protocol.column(examples)].nunique()
        if there >= 4:  # then two are left beside any fold, and one of them to train on
            return min(protocol.folds or there, there)
    elif examples.emotion.value_counts().min() >= PLENTY:
        if rule is StratifiedKFold.splits:
            return protocol.folds
        if isinstance(protocol, RandomSplit) and not protocol.covers:  # a paper's own kind of it, too
            return 1
    return len(protocol.splits(examples, seed))


def draw(
    examples: pd.DataFrame, pool: np.ndarray, fraction: float, seed: int, *, by: str, stratify: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Set a fraction of examples, or of the groups that they form, aside at random.

    Args:
        examples: All examples.
        pool: Positions to draw from.
        fraction: Fraction of the examples or groups; 0 draws none.
        seed: Start of the draw.
        by: "sample", or the column whose values are drawn.
        stratify: Keep the fractions of the emotions; groups must then have one emotion each.

    Returns:
        Positions kept and positions drawn, both in ascending order.

    Raises:
        ImpossibleError: There are too few to draw from.

    Example:
        >>> import pandas as pd
        >>> examples = pd.DataFrame({"speaker": list("aabb")})
        >>> draw(examples, np.arange(4), 0.5, seed=0, by="speaker", stratify=False)
        (array([0, 1]), array([2, 3]))
    """
    from sklearn import model_selection

    if not fraction:
        return pool, np.array([], dtype=int)
    chosen = examples.iloc[pool]
    units = pool if by == SAMPLE else chosen[by].drop_duplicates().to_numpy()
    labels = None
    if stratify:
        labels = (chosen if by == SAMPLE else chosen.drop_duplicates(by)).emotion
    try:
        _, drawn = model_selection.train_test_split(units, test_size=fraction, stratify=labels, random_state=seed)
    except ValueError as error:  # too few units, or too few of an emotion
        rarest = labels.value_counts() if stratify else ()
        of_emotion = f', stratified by emotion, of which "{rarest.idxmin()}" has {rarest.min()}' if len(rarest) else ""
        raise ImpossibleError(
            f"{fraction:.0%} cannot be set aside of {len(units):,} (drawn by {by}{of_emotion})"
        ) from error
    aside = np.isin(pool if by == SAMPLE else chosen[by].to_numpy(), drawn)
    return pool[~aside], pool[aside]


def originals(examples: pd.DataFrame, positions: np.ndarray) -> np.ndarray:
    """Those of the positions that are unchanged recordings, not augmented copies.

    Args:
        examples: One row an example, with the column `copy`.
        positions: Which of them, shape (positions,).

    Returns:
        Some of the positions, in their order.

    Example:
        >>> import pandas as pd
        >>> originals(pd.DataFrame({"copy": ["original", "noisy", "original"]}), np.array([1, 2]))
        array([2])
    """
    return positions[(examples["copy"].to_numpy()[positions] == ORIGINAL)]
