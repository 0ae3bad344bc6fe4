"""Names of runs on the Hugging Face hub, and what is said where it cannot be reached."""

import socket

import pytest

from charlstm.errors import CheckpointError, UsageError
from charlstm.sharing.hub_run import fetched_run, publish, repository_name


@pytest.mark.parametrize("name", ["me/fox", "hf:me/fox"])
def test_a_repository_is_named_with_and_without_its_prefix(name):
    assert repository_name(name) == "me/fox"


@pytest.mark.parametrize(
    "name",
    [
        "fox",
        "../../etc",
        "me/a b",
        "me/fox/more",
        "hf:",
        "me/..",
        "/me/fox",
        "a/b--c",
        "me/fox-",
        "me/fox.git",
    ],
)
def test_what_names_no_repository_is_refused(name):
    with pytest.raises(UsageError, match="names no repository"):
        repository_name(name)
    with pytest.raises(UsageError, match="names no repository"):
        fetched_run(name)


def test_a_hub_out_of_reach_is_said_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with socket.socket() as closed:  # bound and not listening: nobody answers there
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(CheckpointError, match=r"me/fox cannot be fetched: .*cannot be reached"):
            fetched_run("hf:me/fox")
        with pytest.raises(CheckpointError, match=r"me/fox cannot be written: .*cannot be reached"):
            publish(tmp_path, "me/fox", private=False)
