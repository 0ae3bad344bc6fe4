"""The data that a page's script draws -> the text that the page carries, a quarter of the JSON's size.

The values of cells along a text and the numbers of findings repeat themselves. The browser unpacks them by
itself, so that the page needs no library for it.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

# The most that zlib does: a page is written once and sent often.
_LEVEL = 9


def packed(data: Mapping[str, Any]) -> str:
    """Return base64 of the deflated JSON of data, which holds neither NaN nor infinity."""
    plain = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(plain.encode("ascii"), _LEVEL)).decode("ascii")
