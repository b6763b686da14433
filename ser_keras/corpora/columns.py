"""The utterance table's columns: what each must hold, so that a corpus's own mistake is told where it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ser_keras.corpora import vocabulary
from ser_keras.support.errors import SerError
from ser_keras.support.names import printable

if TYPE_CHECKING:
    import pandas as pd

GENDERS = ("female", "male", "other")


def check(table: pd.DataFrame, corpus: str) -> None:
    """See that a table has what every room reads: names, speakers, emotions; texts and genders may be unknown (None).

    Args:
        table: One row a recording.
        corpus: Its name, for the message.

    Raises:
        SerError: A column is absent or holds something else; the message names corpus, column and recording.

    Example:
        >>> import pandas as pd
        >>> check(pd.DataFrame({"utterance": ["a"], "speaker": [7], "emotion": ["sad"]}), "mine")
        Traceback (most recent call last):
            ...
        ser_keras.support.errors.SerError: mine: "speaker" of a is 7, not a text
    """
    for column, test, wanted in (
        ("utterance", _is_text, "a text"),
        ("speaker", _is_text, "a text"),
        ("emotion", _is_emotion, "an emotion of the vocabulary"),
        ("text", lambda value: _is_unknown(value) or isinstance(value, str), "a text or None"),
        ("gender", lambda value: _is_unknown(value) or value in GENDERS, f"one of {', '.join(GENDERS)} or None"),
    ):
        if column not in table:
            if column in ("text", "gender"):
                continue
            raise SerError(f'{corpus}: there is no column "{column}"')
        wrong = [not test(value) for value in table[column]]
        if any(wrong):
            row = table[wrong].iloc[0]
            hint = vocabulary.suggestion(str(row[column])) if column == "emotion" else ""
            found = printable(repr(row[column]) if isinstance(row[column], str) else row[column])
            name = printable(row.get("utterance", "a recording"))
            raise SerError(f'{corpus}: "{column}" of {name} is {found}, not {wanted}{hint}')
    if table.utterance.duplicated().any():
        twice = printable(table.utterance[table.utterance.duplicated()].iloc[0])
        raise SerError(f'{corpus}: "utterance" is no name of one recording: {twice} stands there twice')


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_emotion(value: Any) -> bool:
    return _is_text(value) and vocabulary.is_known(value)


def _is_unknown(value: Any) -> bool:
    return value is None or value != value
