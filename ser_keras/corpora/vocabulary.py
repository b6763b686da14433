"""One vocabulary of emotions: corpora and papers use words of their own, and here it stands which mean the same.

A paper whose tables print "anger" selects from any corpus what is labelled "anger", "angry" or "ang" there, and keeps
its own word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ser_keras.support.messages import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

# The canonical word of each emotion, in the order in which tables show them, and other words for the same.
EMOTIONS: Mapping[str, tuple[str, ...]] = {
    "neutral": ("neu", "neutrality"),
    "calm": ("calmness",),
    "happy": ("hap", "happiness", "joy", "joyful"),
    "sad": ("sadness",),
    "angry": ("ang", "anger"),
    "fearful": ("fea", "fear", "afraid", "anxiety", "anxious"),
    "disgust": ("dis", "disgusted"),
    "surprised": ("sur", "surprise", "pleasant surprise"),
    "bored": ("boredom",),
    "excited": ("exc", "excitement"),
    "frustrated": ("fru", "frustration"),
    "contempt": ("contemptuous",),
    "other": ("oth",),
    "no agreement": ("xxx",),
}
CANONICAL = {word: emotion for emotion, others in EMOTIONS.items() for word in (emotion, *others)}


def canonical(word: str) -> str:
    """The one word for an emotion; a word that the vocabulary does not have stands for itself.

    Args:
        word: In any case, "_" for a space.

    Returns:
        A word of `EMOTIONS`, or the word itself in lower case.

    Example:
        >>> canonical("Anger"), canonical("happiness"), canonical("puzzled")
        ('angry', 'happy', 'puzzled')
    """
    word = word.strip().lower().replace("_", " ")
    return CANONICAL.get(word, word)


def is_known(word: str) -> bool:
    """Whether the vocabulary has the word.

    Args:
        word: In any case, a synonym too.

    Returns:
        Whether its canonical form is one of `EMOTIONS`.

    Example:
        >>> is_known("boredom"), is_known("puzzled")
        (True, False)
    """
    return canonical(word) in EMOTIONS


def suggestion(word: str) -> str:
    """A suggestion for an unknown word, to put behind a message; empty where no word is near.

    Args:
        word: The unknown one.

    Returns:
        The end of a sentence, or "".

    Example:
        >>> suggestion("hapy")
        "; did you mean 'happy'?"
    """
    return did_you_mean(word, sorted(CANONICAL, key=lambda known: known not in EMOTIONS))


def same(one: str, other: str) -> bool:
    """Whether two words mean the same emotion.

    Args:
        one: A word.
        other: Another.

    Returns:
        Whether their canonical forms are equal.

    Example:
        >>> same("anger", "angry"), same("calm", "neutral")
        (True, False)
    """
    return canonical(one) == canonical(other)


def translate(table: pd.DataFrame, words: Iterable[str]) -> pd.DataFrame:
    """The table with its emotions in the words given, where those have the emotion; others keep the corpus's word.

    Args:
        table: An utterance table, with the column `emotion`.
        words: A paper's words.

    Returns:
        A copy of the table.

    Example:
        >>> import pandas as pd
        >>> translate(pd.DataFrame({"emotion": ["happy", "angry"]}), ["anger", "sadness"]).emotion.tolist()
        ['happy', 'anger']
    """
    own = {canonical(word): word for word in words}
    return table.assign(emotion=table.emotion.map({word: own.get(canonical(word), word) for word in table.emotion}))


def chosen(table: pd.DataFrame, words: Iterable[str]) -> pd.DataFrame:
    """The recordings whose emotion a paper has, labelled in the paper's words.

    Args:
        table: An utterance table of any corpus, with the column `emotion`.
        words: The paper's words.

    Returns:
        Those rows, in their order and under their index.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"emotion": ["happiness", "boredom", "anger"]})
        >>> chosen(table, ["neutral", "happy", "angry"]).emotion.tolist()
        ['happy', 'angry']
    """
    words = tuple(words)
    named = translate(table, words)
    return named[named.emotion.isin(words)]
