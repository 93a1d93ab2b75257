"""Text for people to read."""

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def one_line(text: str) -> str:
    """The text with everything that is not printable (new lines, escape sequences, what turns the direction) shown as "?"."""
    return text if text.isprintable() else "".join(character if character.isprintable() else "?" for character in text)


def duration(seconds: int) -> str:
    """A time in the largest unit that says it exactly: "7 days", "90 minutes"."""
    count, unit = next((seconds // size, unit) for unit, size in _UNITS if seconds % size == 0)
    return f"{count} {unit}" + ("" if count == 1 else "s")
