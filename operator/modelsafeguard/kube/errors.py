"""What the API server can answer, as few exceptions; each message is a sentence that names the call."""


class KubernetesError(Exception):
    """A call that did not succeed. ``retry_after`` is what the server asked for, in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(KubernetesError):  # noqa: N818 - it is a state of the server, named as one
    """No answer, or one that says: later (429, 5xx). Whether the call took effect is not known."""


class Expired(Unavailable):
    """The pages of a list are too old to be read on as one (410). ``rest`` is the mark to read what is left as it is now; "" for none."""

    def __init__(self, message: str, *, rest: str) -> None:
        super().__init__(message)
        self.rest = rest


class Conflict(KubernetesError):  # noqa: N818 - the API server's own word
    """The object is no longer the one that was decided on: read again, decide again."""


class AlreadyExists(KubernetesError):  # noqa: N818 - the API server's own word
    """An object of that name is there already."""


class NotFound(KubernetesError):  # noqa: N818 - the API server's own word
    """The object is gone."""


class Refused(KubernetesError):  # noqa: N818 - the API server's own verdict on the call
    """The call is not allowed or not valid (400, 401, 403, 422): repeating it at once changes nothing."""


class Invalid(Refused):
    """The object that was sent is not a valid one (422): no repetition changes that."""
