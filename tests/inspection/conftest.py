"""Inspections in tests compare with one control network of a kind, since each is searched as the model is."""

from collections.abc import Iterator

import pytest

from charlstm.inspection import control_networks


@pytest.fixture(autouse=True, scope="module")
def _one_control_network_of_a_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Use one network of each kind, but in the tests of these networks themselves."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.module.__name__.endswith("test_control_networks"):
            patch.setattr(control_networks, "NETWORKS_OF_A_KIND", 1)
        yield
