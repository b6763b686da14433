"""The readings of a paper: which protocols and variants a reported number is set beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ser_keras.evaluation.numbers import Numbers
from ser_keras.papers import Paper, Reported
from ser_keras.support.variant import Variant, recipe_of

MAIN = "paper"  # the protocol that is the paper's own


@dataclass(frozen=True)
class Reading:
    """One way to understand what a paper did: a protocol and a variant of its `run.py`.

    Attributes:
        corpus: Corpus that it is run on.
        protocol: How the data are divided, and which part is scored.
        variant: The recipe, marks of precision and epochs included.
    """

    corpus: str
    protocol: str
    variant: str

    def words(self, variant: str = "") -> str:
        """What tables call it, beside a number that is filed under `variant`.

        Args:
            variant: As it was run, marks included.

        Returns:
            The protocol, with the reading's own variant where that is another.

        Example:
            >>> reading = Reading("ravdess", "split_first", "knn_mean")
            >>> reading.words("knn_mean"), reading.words("knn_flatten")
            ('split_first', 'split_first with knn_mean')
        """
        return self.protocol if self.variant == variant else f"{self.protocol} with {self.variant}"


def home(number: Reported, numbers: Numbers) -> str | None:
    """The protocol that a reported number belongs to: its own, or the one that scores its part of the data.

    Args:
        number: The reported number.
        numbers: What was run.

    Returns:
        The protocol's name, run or not; None where no protocol scores the part.
    """
    protocol = getattr(number, "protocol", "") or MAIN
    part = getattr(number, "part", "")
    known = numbers.protocols
    if not part or (protocol in known and known[protocol].scored == part):
        return protocol
    looks = [name for name, p in known.items() if getattr(p, "of", None) == protocol and p.scored == part]
    # The training part has a metric of its own under the protocol itself.
    return looks[0] if looks else protocol if number.metric == f"{part}/accuracy" else None


def belongs_to(number: Reported, numbers: Numbers | None = None) -> str:
    """The part or protocol of a reported number in words.

    Args:
        number: The reported number.
        numbers: What was run; None where only the paper is known.

    Returns:
        The protocol's name, and the part in brackets where the number is of one.
    """
    protocol, part = (getattr(number, name, "") for name in ("protocol", "part"))
    found = home(number, numbers) if numbers and part else None
    words = found or protocol or MAIN
    return f"{words} ({part} part)" if part else words


def readings_of(number: Reported, variant: str, paper: Paper, numbers: Numbers) -> list[Reading]:
    """All readings that were run and give the number's metric, its own first; two looks at one log count once.

    Args:
        number: The reported number.
        variant: The variant as it was run, marks included: only runs with equal marks are readings of each other,
            as precision and shortened training are no readings of a paper.
        paper: The paper: variants that its other numbers are filed under are other rows, not readings of this one.
        numbers: What was run.

    Returns:
        Corpus, protocol and variant of each.
    """
    base, marks = recipe_of(variant), Variant.parse(variant).marks
    mains = list(dict.fromkeys(n.variant for n in paper.reported))
    run = [v for v in numbers.variants(number.corpus) if Variant.parse(v).marks == marks]
    rivals = [v for v in run if recipe_of(v) not in mains and base in mains_of(recipe_of(v), mains)]
    own = home(number, numbers)
    protocols = sorted(numbers.protocols, key=lambda name: name != own)
    found: dict[tuple[object, ...], Reading] = {}
    for v in [variant, *rivals]:
        for p in protocols:
            if numbers.predictive(number.corpus, p, v, number.metric):
                # Of runs that have 30 epochs, the log of the last epoch and that of epoch 30 are one reading.
                logged = numbers.protocols[p].scored == "log"
                values = numbers.values(number.corpus, p, v, number.metric)
                look = (numbers.base(p), *values.items()) if logged else (p,)
                found.setdefault((v, *look), Reading(number.corpus, p, v))
    return list(found.values())


def mains_of(variant: str, mains: Sequence[str]) -> list[str]:
    """The variants with numbers of their own that another one is an alternative to.

    Those whose names share most leading words with it, and of these the shortest; all where none shares any.

    Args:
        variant: A recipe's name.
        mains: Recipes with numbers of their own.

    Returns:
        Some of `mains`, in their order.

    Example:
        >>> mains_of("knn_mean", ["tree_flatten", "knn_flatten"]), mains_of("text", ["code", "notes"])
        (['knn_flatten'], ['code', 'notes'])
        >>> mains_of("mspec_dd_keras1", ["mspec", "mspec_dd", "mspec_dd_vanilla", "mfcc_dd"])
        ['mspec_dd']
    """

    def shared(main: str) -> int:
        pairs = list(zip(variant.split("_"), main.split("_"), strict=False))
        return next((i for i, (one, other) in enumerate(pairs) if one != other), len(pairs))

    most = max(map(shared, mains), default=0)
    if not most:
        return list(mains)
    nearest = [main for main in mains if shared(main) == most]
    return [main for main in nearest if len(main.split("_")) == min(len(m.split("_")) for m in nearest)]
