"""What is asked of the Hugging Face hub before its libraries are: whether it is there, and no token."""

import socket

import pytest

from charlstm.machine import hugging_face


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch) -> None:
    monkeypatch.setattr(hugging_face, "getproxies", dict)


def test_a_hub_that_listens_can_be_reached_and_one_that_does_not_cannot(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert hugging_face.unreachable() is None
    assert "127.0.0.1 cannot be reached" in (hugging_face.unreachable() or "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hugging_face.unreachable() is None


def test_a_token_is_sent_only_where_the_user_says_so(monkeypatch):
    monkeypatch.delenv("CHARLSTM_HF_TOKEN", raising=False)
    assert hugging_face.token_for_reading() is False
    monkeypatch.setenv("CHARLSTM_HF_TOKEN", "1")
    assert hugging_face.token_for_reading() is None
