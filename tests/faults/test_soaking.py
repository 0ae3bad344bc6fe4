"""A short soak; `make soak` is the long one."""

from soak import growth, soak


def test_memory_and_handles_stay(tmp_path):
    memory, opened = soak(6, tmp_path)
    assert max(opened[1:]) <= opened[0]
    assert max(memory) < 1.1 * memory[0], "the pools of the allocator are not full yet; make soak allows 2%"


def test_growth_compares_the_last_third_with_the_second():
    assert growth([50, 60, 100, 100, 100, 103]) > 0.02
    assert growth([50, 60, 100, 100, 101, 101]) < 0.02
