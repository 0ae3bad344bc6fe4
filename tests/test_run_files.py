"""Which files belong to a run, and where its findings are."""

from pathlib import Path

from charlstm.run_files import CONFIG, FETCHED_RUNS, METRICS, MODEL, RUN_FILES, findings_folder, is_run_file


def test_a_file_belongs_to_a_run_where_the_runs_files_lie_beside_it(tmp_path):
    for name in (CONFIG, METRICS, MODEL):
        (tmp_path / name).touch()
    assert is_run_file(tmp_path / MODEL)
    assert not is_run_file(tmp_path / "notes.txt")


def test_a_file_of_that_name_alone_is_a_text_like_any_other(tmp_path):
    (tmp_path / MODEL).touch()
    assert not is_run_file(tmp_path / MODEL)


def test_every_file_of_a_run_has_a_name_of_its_own():
    assert len(set(RUN_FILES)) == len(RUN_FILES)


def test_findings_of_a_run_in_the_cache_lie_outside_of_it():
    assert findings_folder(Path("runs/fox")) == Path("runs/fox")
    assert findings_folder(Path("/cache") / FETCHED_RUNS / "me--fox") == Path("checkpoints/me--fox")
