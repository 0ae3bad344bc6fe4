"""Where a user's regular expression matches, within a limit of time.

An expression such as (a+)+b may take longer than anybody waits, and Python's matching cannot be stopped from
within. So it runs in a Python process of its own, which ends when its time is over: this file, as a script.
"""

import re
import subprocess
import sys
from array import array

# A search of a text of millions of characters by an expression that needs no backtracking takes some seconds.
LONGEST_SEARCH_SECONDS = 30.0
_INVALID = 2


class ExpressionError(ValueError):
    """A regular expression is invalid, or takes too long; the message says which."""


def expression_spans(expression: str, text: str) -> list[tuple[int, int]]:
    """Return (start, stop) of each match of expression in text that has any characters, in order.

    In the expression ^ and $ match at the ends of lines. Raises ExpressionError for an expression that is
    invalid, or whose search takes longer than LONGEST_SEARCH_SECONDS.
    """
    command = [sys.executable, "-I", "-W", "ignore", __file__]
    question = _encoded(expression).hex().encode() + b"\n" + _encoded(text)
    try:
        done = subprocess.run(command, input=question, capture_output=True, timeout=LONGEST_SEARCH_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ExpressionError(
            f"searching {len(text):,} characters for it takes more than {LONGEST_SEARCH_SECONDS:g} seconds"
        ) from error
    if done.returncode:
        raise ExpressionError((done.stderr.decode(errors="replace").strip().splitlines() or ["it fails"])[-1])
    ends = array("q", done.stdout)
    return list(zip(ends[::2], ends[1::2], strict=True))


def _encoded(text: str) -> bytes:
    """Return text as UTF-8, with halves of surrogate pairs kept."""
    return text.encode("utf-8", "surrogatepass")


def _answer() -> None:
    """Read an expression and a text from stdin and write the ends of the matches to stdout, as int64."""
    first_line, _, rest = sys.stdin.buffer.read().partition(b"\n")
    expression = bytes.fromhex(first_line.decode()).decode("utf-8", "surrogatepass")
    text = rest.decode("utf-8", "surrogatepass")
    ends = array("q")
    try:
        for match in re.compile(expression, re.MULTILINE).finditer(text):
            if match.end() > match.start():
                ends.extend(match.span())
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        sys.stderr.write(str(error) or type(error).__name__)
        raise SystemExit(_INVALID) from None
    sys.stdout.buffer.write(ends.tobytes())


if __name__ == "__main__":
    _answer()
