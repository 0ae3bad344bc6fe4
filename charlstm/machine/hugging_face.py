"""Whether the Hugging Face hub can be reached from here, and which token it is sent."""

import logging
import os
import socket
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

# Seconds after which the hub counts as out of reach.
_REACH_SECONDS = 5


def unreachable() -> str | None:
    """Return within 5 seconds why the hub cannot be reached, or None; the hub's libraries retry for 25.

    Nothing is tried where a proxy is used, or where the libraries are told to stay offline.
    """
    if os.environ.get("HF_HUB_OFFLINE") or "https" in getproxies():
        return None
    hub = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        socket.create_connection((hub.hostname, hub.port or 443), timeout=_REACH_SECONDS).close()
    except OSError as error:
        return f"{hub.hostname} cannot be reached: {error}"
    return None


def token_for_reading() -> Literal[False] | None:
    """Return huggingface_hub's argument `token`: False sends none, None the user's stored token.

    None is returned where the variable CHARLSTM_HF_TOKEN is 1.
    """
    return None if os.environ.get("CHARLSTM_HF_TOKEN") == "1" else False


def silence(*libraries: str) -> None:
    """Keep warnings and bars of the hub's libraries from a terminal, where --quiet would not."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for library in libraries:
        logging.getLogger(library).setLevel(logging.ERROR)
