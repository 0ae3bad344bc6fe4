"""Where the reference texts and the foreign model are; tests that need them skip without them."""

from pathlib import Path

REFERENCE_TEXTS = Path(__file__).resolve().parents[3] / "shared" / "data"
