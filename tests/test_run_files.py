"""Which files belong to a run."""

from charlstm.run_files import CONFIG, METRICS, MODEL, RUN_FILES, is_run_file


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
