"""Whole-string matching of an owner's pattern by RE2, whose time is bounded whatever the pattern (docs/decisions/0009)."""

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # a bad pattern is the caller's sentence, not a line of the library's own on standard error


class PatternError(ValueError):
    """A pattern that cannot be used; the message is the second half of a sentence."""


def fullmatch(pattern: str, value: str) -> bool:
    """Whether ``pattern`` (RE2 syntax, as everywhere in Kubernetes) matches the whole of ``value``.

    Raises ``PatternError`` for what RE2 does not know (look-around, back-references) or will not compile.
    """
    try:
        return re2.compile(pattern, _OPTIONS).fullmatch(value) is not None
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if error.args else "unknown"
        raise PatternError(f"is not a pattern of RE2: {detail}") from None
