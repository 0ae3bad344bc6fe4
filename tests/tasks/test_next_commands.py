"""The commands that are shown to be typed next name a text where the command would refuse the run's own."""

import pytest
from tiny_run import TEXT, imported_run, saved_run

from charlstm.tasks.next_commands import inspect_command, resume_command, sample_command

LONG = TEXT * 15


def test_a_run_on_a_text_of_the_users_own_needs_no_text(tmp_path):
    run = saved_run(tmp_path, text=LONG)
    assert inspect_command(run) == f"charlstm inspect {run}"
    assert resume_command(run) == f"charlstm train --resume --out {run}"


@pytest.mark.parametrize("name", ["hf:own er/name", "elsewhere.txt"])
def test_a_text_that_is_not_read_unasked_is_named(tmp_path, monkeypatch, name):
    run = saved_run(tmp_path, text=LONG, name=name)
    if not name.startswith("hf:"):  # as where no home is known
        monkeypatch.setattr("charlstm.tasks.run_text.is_own", lambda run: False)
    quoted = f"'{name}'" if " " in name else name
    assert inspect_command(run) == f"charlstm inspect {run} {quoted}"
    assert resume_command(run) == f"charlstm train {quoted} --resume --out {run}"


def test_a_dataset_that_was_validated_on_is_named(tmp_path):
    run = saved_run(tmp_path, text=LONG, validation="hf:a/b")
    assert resume_command(run) == f"charlstm train --resume --out {run} --validation hf:a/b"


def test_another_text_is_asked_for_where_the_runs_own_is_too_short_or_missing(tmp_path):
    assert inspect_command(saved_run(tmp_path)).endswith("run CORPUS  # of 20,000 characters or more")
    assert inspect_command(imported_run(tmp_path / "model")) == f"charlstm inspect {tmp_path}/model CORPUS"


def test_a_path_is_quoted_as_a_shell_reads_it(tmp_path):
    assert sample_command(tmp_path / "a b") == f"charlstm sample '{tmp_path}/a b'"
