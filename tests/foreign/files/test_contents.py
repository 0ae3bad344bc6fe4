"""The contents of a file say no more than the file does."""

from charlstm.foreign.files.contents import Contents, NotReadError, with_metadata


def test_contents_name_no_framework_and_no_activation_unless_the_file_does():
    contents = Contents({"w": 1})
    assert (contents.framework, contents.gate_activation) == (None, None)


def test_a_file_that_is_not_read_has_a_problem_and_an_advice():
    error = NotReadError("is a PDF document", "copy its text")
    assert (error.problem, error.advice) == ("is a PDF document", "copy its text")


def test_metadata_stands_under_a_name_that_no_tensor_has():
    metadata = {"symbols": '["a", "b"]', "title": "not JSON", "deep": "[" * 100_000}
    made = with_metadata({"metadata": 1}, metadata)
    assert made["metadata"] == 1
    assert made["metadata'"] == metadata | {"symbols": ["a", "b"]}
