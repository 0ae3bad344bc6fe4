"""What is asked of the Hugging Face hub before its libraries are: whether it is there, and no token."""

import socket

import pytest

from charlstm.machine import hugging_face


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", dict)


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


@pytest.mark.parametrize("name", ["a/b", "Some_1/set.v2-x", "a/" + "b" * 96])
def test_a_repository_is_an_owner_and_a_name(name):
    assert hugging_face.is_repository(name)
    assert not hugging_face.is_repository(f"hf:{name}")
    assert not hugging_face.is_repository(f"{name}/more")


def test_only_a_name_with_the_prefix_is_on_the_hub():
    assert hugging_face.is_on_hub("hf:a/b")
    assert not hugging_face.is_on_hub("a/b")


@pytest.mark.parametrize(
    "said",
    ["a gated repo", "404 Client Error", "Token is required", "User Access Token is expired", "be logged in"],
)
def test_what_is_said_without_access_is_told_from_other_problems(said):
    assert hugging_face.says_no_access(said)
    assert not hugging_face.says_no_access("BuilderConfig 'x' not found: unexpected token in JSON")


def test_what_a_library_said_is_one_line_of_limited_length():
    assert hugging_face.what_it_said(ValueError("a\n  b")) == "a b"
    assert hugging_face.what_it_said(ValueError()) == "ValueError"
    assert len(hugging_face.what_it_said(ValueError("x" * 1_000))) == 300
