class NotSo(Exception):  # noqa: N818 - it reads as the sentence that it carries
    """Something that was claimed is not so, or was not seen in time; the message is a sentence that says what was there instead."""


def expect(holds: object, sentence: str) -> None:
    """Go on if it holds; else raise ``NotSo`` with the sentence."""
    if not holds:
        raise NotSo(sentence)
