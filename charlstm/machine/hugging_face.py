"""Names on the Hugging Face hub, whether it can be reached from here, and which token it is sent."""

import logging
import os
import re
import socket
from typing import Literal
from urllib.parse import urlsplit

# What the name of a text or a run begins with that is fetched from the hub.
PREFIX = "hf:"
# What the hub allows in the name of an owner, a repository or a dataset.
_NAME = r"(?!.*(?:--|\.\.))(?!.*\.git$)[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
# What its libraries say when a token is missing or has no right, or when there is nothing of that name.
_NO_ACCESS = re.compile(
    r"gated|private|cannot be accessed|doesn't exist|\b40[134]\b"
    r"|(access|user|write|account) token|token is required|logged in",
    re.IGNORECASE,
)
# What to do where a token is needed to read.
TOKEN_ADVICE = "put a token into HF_TOKEN and set CHARLSTM_HF_TOKEN=1, since none is sent otherwise"
_MOST_SAID_CHARACTERS = 300
# Seconds after which the hub counts as out of reach.
_REACH_SECONDS = 5


def is_on_hub(name: str) -> bool:
    """Return whether the text or the run called name is one to fetch from the hub."""
    return name.startswith(PREFIX)


def is_repository(name: str) -> bool:
    """Return whether name, without its prefix, has the form owner/name that the hub allows."""
    owner, _, own_name = name.partition("/")
    return bool(re.fullmatch(_NAME, owner) and re.fullmatch(_NAME, own_name))


def what_it_said(error: Exception) -> str:
    """Return on one line what a library of the hub said in error, or else the name of its kind."""
    return " ".join(str(error).split())[:_MOST_SAID_CHARACTERS] or type(error).__name__


def says_no_access(said: str) -> bool:
    """Return whether a library of the hub said that a token is missing, or that there is no such thing."""
    return bool(_NO_ACCESS.search(said))


def unreachable() -> str | None:
    """Return within 5 seconds why the hub cannot be reached, or None; the hub's libraries retry for 25.

    Nothing is tried where a proxy is used, or where the libraries are told to stay offline.
    """
    from urllib.request import getproxies  # takes 20 ms, and only what is fetched needs it

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
