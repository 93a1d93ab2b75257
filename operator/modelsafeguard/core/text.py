"""Text from elsewhere, for people to read."""


def one_line(text: str) -> str:
    """The text with everything that is not printable (new lines, escape sequences, what turns the direction) shown as "?"."""
    return text if text.isprintable() else "".join(character if character.isprintable() else "?" for character in text)
