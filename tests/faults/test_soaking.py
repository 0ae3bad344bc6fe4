"""Some seconds of the soak test; `make soak` runs it for half an hour."""

from soak import growth, soak


def test_memory_and_open_files_stay_the_same_over_several_cycles(tmp_path):
    memory, opened = soak(6, tmp_path)
    assert max(opened[1:]) <= opened[0]
    assert max(memory) < 1.1 * memory[0], (
        "the allocator's pools still fill, so this allows more than make soak"
    )


def test_growth_compares_the_last_third_with_the_second():
    assert growth([50, 60, 100, 100, 100, 103]) > 0.02
    assert growth([50, 60, 100, 100, 101, 101]) < 0.02
