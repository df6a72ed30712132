"""What can go wrong, said in one line that tells the reader what to do next.

The command line prints the line on stderr and exits 1; the server answers
``{"error": line}`` with the class's HTTP status.
"""


class PiEdgeError(Exception):
    """Something did not work. ``status`` is the HTTP status that fits (RFC 9110), ``kind`` what
    /metrics counts it under."""

    status = 500
    kind = "failure"


class BadInput(PiEdgeError):
    """What was sent cannot be understood; sending the same again will fail again."""

    status = 400
    kind = "bad_input"


class WrongUsage(BadInput):
    """Flags or arguments that do not go together; the command line exits 2."""


class NotFound(PiEdgeError):
    """The model, version, file or setting named does not exist."""

    status = 404
    kind = "not_found"


class TooLarge(PiEdgeError):
    """The body, picture or tensor is over a limit."""

    status = 413
    kind = "too_large"


class Unavailable(PiEdgeError):
    """It exists but cannot answer now: loading, unloaded, quarantined or lost.

    Args:
        retry_after: seconds after which asking again may help (RFC 9110, 10.2.3); None where
            it will not by itself.
    """

    status = 503
    kind = "unavailable"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """More was asked at once than can be answered soon."""

    kind = "overloaded"


class Lost(Unavailable):
    """The process that ran the model died, or did not answer in time; another is started."""

    kind = "lost"
