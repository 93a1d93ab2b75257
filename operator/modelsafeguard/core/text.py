"""Text for people to read, and text that is compared."""

import hashlib
import unicodedata

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def one_line(text: str) -> str:
    """The text with everything that is not printable (new lines, escape sequences, what turns the direction) shown as "?"."""
    return text if text.isprintable() else "".join(character if character.isprintable() else "?" for character in text)


def shortened(text: str, limit: int) -> str:
    """The text as ``one_line`` shows it, cut to so many characters, the last three of which then say so."""
    readable = one_line(text)
    return readable if len(readable) <= limit else f"{readable[: limit - 3]}..."


def printable(text: str, limit: int = 80) -> str:
    """A foreign name as it may stand in a sentence: quoted, on one line, and short."""
    quoted = ascii(text)
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 4]}...'"


def duration(seconds: int) -> str:
    """A time in the largest unit that says it exactly: "7 days", "90 minutes"."""
    count, unit = next((seconds // size, unit) for unit, size in _UNITS if seconds % size == 0)
    return f"{count} {unit}" + ("" if count == 1 else "s")


def normalise(text: str) -> str:
    """The text as it is compared: Unicode NFKC, case folded, every run of white space one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_digest(text: str) -> str:
    """The sha256, as 64 hex digits, of the normalised text in UTF-8: a line of ``train-digests.txt``."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()
