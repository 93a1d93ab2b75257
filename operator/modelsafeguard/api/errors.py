"""What this package raises."""


class MalformedObject(ValueError):  # noqa: N818 - named for what it says of the object
    """An object, or an annotation of one, that cannot be read. Its text is a sentence that names the object and the field."""
