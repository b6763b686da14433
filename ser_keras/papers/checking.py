"""What a `paper.toml` names must be there: corpora, and the variants and protocols of its `run.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ser_keras.papers.finding import asked
from ser_keras.papers.schema import Paper
from ser_keras.support.messages import did_you_mean, shortened
from ser_keras.support.variant import recipe_of


def check(
    paper: Paper, *, corpora: Collection[str], variants: Collection[str], protocols: Collection[str]
) -> list[str]:
    """What a paper names and its script does not have, a sentence each.

    Args:
        paper: The paper.
        corpora: Names of the corpora that there are.
        variants: Names of the script's variants, without marks.
        protocols: Names of the script's protocols.

    Returns:
        The sentences; empty where every name is known.
    """
    known = {"corpus": corpora, "variant": variants, "protocol": protocols}
    told = [
        f"{paper.key}/paper.toml: {where}: there is no {what} {shortened(name)}{did_you_mean(name, known[what])}"
        for where, what, name in _named(paper)
        if name not in known[what]
    ]
    return list(dict.fromkeys(told))


def _named(paper: Paper) -> Iterator[tuple[str, str, str]]:
    """Where a name stands, what it is a name of, and the name."""
    for corpus in paper.corpora:
        yield "corpora", "corpus", corpus
    for i, number in enumerate(paper.reported, 1):
        where = f"reported {i} ({number.table}, {number.row})"
        yield where, "corpus", number.corpus
        yield where, "variant", number.variant
        if number.protocol:
            yield where, "protocol", number.protocol
    for i, claim in enumerate(paper.claims, 1):
        yield f"claim {i} ({claim.text})", "corpus", claim.corpus
        yield f"claim {i} ({claim.text})", "variant", claim.variant
    for i, contrast in enumerate(paper.contrasts, 1):
        where = f"contrast {i} ({contrast.variant}, {contrast.against})"
        yield where, "corpus", contrast.corpus
        yield where, "variant", contrast.variant
        yield where, "variant", contrast.against
    for lookup in asked(paper.finding):
        yield f"finding: {lookup.name}", "corpus", lookup.corpus
        yield f"finding: {lookup.name}", "protocol", lookup.protocol
        for variant in lookup.variants:
            yield f"finding: {lookup.name}", "variant", recipe_of(variant)
