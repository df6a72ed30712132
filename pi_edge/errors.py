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
    """It exists but cannot answer now: loading, unloaded, quarantined or overloaded."""

    status = 503
    kind = "unavailable"
