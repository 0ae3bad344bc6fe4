"""`charlstm push` and hf:owner/name, with a hub on this machine: a run that was sent comes back the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from exported_run import run_of
from hub_server import HubServer, hub_serving

from charlstm.config import SamplingConfig
from charlstm.tasks.sample import sample_run


def charlstm(
    hub: HubServer, folder: Path, *arguments: object, **settings: str
) -> subprocess.CompletedProcess:
    """A command that is typed in folder, with a hub in the place of Hugging Face's."""
    own = {
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": "hf_secret",
        "HF_HOME": str(folder / "hf"),
        "CHARLSTM_DATA": str(folder / "data"),
    }
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-m", "charlstm", *map(str, arguments)],
        env=kept | own | settings,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_of(tmp_path / "fox")


def test_a_run_that_was_pushed_writes_the_same_text(tmp_path, run):
    with hub_serving({}) as hub:
        pushed = charlstm(hub, tmp_path, "push", run, "me/fox")
        assert (pushed.stderr, pushed.returncode) == ("", 0)
        assert pushed.stdout.strip().endswith("/me/fox")
        sent = hub.models["me/fox"]
        assert set(sent) == {"config.json", "model.safetensors", "README.md"}
        assert str(tmp_path) not in sent["config.json"].decode()
        assert "charlstm sample hf:me/fox" in sent["README.md"].decode()
        assert "Bearer hf_secret" in hub.authorizations
        hub.authorizations.clear()
        fetched = charlstm(hub, tmp_path, "sample", "hf:me/fox", "--length", 40)
        assert set(hub.authorizations) == {None}, "no token is sent to read"
    drawn = "".join(text for (text,) in sample_run(run, "", config=SamplingConfig(length=40), seed=0))
    assert fetched.stdout.strip() == drawn.strip() != ""
    again = charlstm(hub, tmp_path, "sample", "hf:me/fox", "--length", 40)
    assert again.stdout == fetched.stdout, "without a network, what was fetched is used"


def test_a_run_that_is_missing_or_damaged_on_the_hub_is_refused(tmp_path, run):
    files = {name: (run / name).read_bytes() for name in ("config.json", "model.safetensors")}
    config = json.loads(files["config.json"]) | {"begun_from": "elsewhere"}
    models = {"bad/run": files | {"config.json": json.dumps(config).encode()}}
    with hub_serving({}, models) as hub:
        missing = charlstm(hub, tmp_path, "sample", "hf:me/nothing")
        damaged = charlstm(hub, tmp_path, "sample", "hf:bad/run")
    assert (missing.returncode, damaged.returncode) == (4, 4)
    assert "hf:me/nothing cannot be fetched" in missing.stderr
    assert "checksum" in damaged.stderr
