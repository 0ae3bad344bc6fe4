"""Rows as aligned columns of plain text, for a terminal or a Python session."""

from collections.abc import Iterable, Sequence

from charlstm.errors import shortened

# Characters of a number besides its digits.
_BESIDE_DIGITS = str.maketrans("", "", ",.-+%−")
# No column of a table is cut to fewer characters than this.
_LEAST_WIDTH = 10
_GAP = "  "


def table(rows: Iterable[Sequence[object]], header: Sequence[str] = (), *, width: int | None = None) -> str:
    """Return rows, and a header above them, as aligned columns two spaces apart.

    Below a header numbers stand at the right of their column, except in the first one. Where the lines would
    be longer than width, in characters, the widest columns of words are cut, each cell with an ellipsis; the
    first column is not. With a width of None nothing is cut.
    """
    cells = [
        [str(value) for value in row] for row in ([header] if header else []) + [list(row) for row in rows]
    ]
    if not cells:
        return ""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    if width is not None:
        _narrow(widths, width)
    lines = []
    for row in cells:
        parts = [
            value.rjust(wide)
            if header and number and _is_number(value)
            else shortened(value, wide).ljust(wide)
            for number, (value, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(parts).rstrip())
    return "\n".join(lines)


def _narrow(widths: list[int], width: int) -> None:
    """Make the widest columns but the first narrower, one character at a time, until all fit into width."""
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widest = max(range(1, len(widths)), key=lambda column: widths[column], default=0)
        if widest == 0 or widths[widest] <= _LEAST_WIDTH:
            return
        widths[widest] -= 1


def _is_number(value: str) -> bool:
    """Return whether a cell of a table is a number, with a sign or as a percentage."""
    return value.translate(_BESIDE_DIGITS).isdigit()
