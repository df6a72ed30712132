"""What can go wrong, said in one line that tells the reader what to do next.

The command line prints the line on stderr and exits 1; the server answers
``{"error": line}`` with the class's HTTP status.
"""


class PiEdgeError(Exception):
    """Something did not work. ``status`` is the HTTP status that fits (RFC 9110)."""

    status = 500


class BadInput(PiEdgeError):
    """What was sent cannot be understood; sending the same again will fail again."""

    status = 400


class WrongUsage(BadInput):
    """Flags or arguments that do not go together; the command line exits 2."""


class NotFound(PiEdgeError):
    """The model, version, file or setting named does not exist."""

    status = 404


class TooLarge(PiEdgeError):
    """The body, picture or tensor is over a limit."""

    status = 413


class Unavailable(PiEdgeError):
    """It exists but cannot answer now: loading, unloaded, quarantined or lost.

    Args:
        retry_after: seconds after which asking again may help (RFC 9110, 10.2.3); None where
            it will not by itself.
    """

    status = 503

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """More was asked at once than can be answered soon."""
