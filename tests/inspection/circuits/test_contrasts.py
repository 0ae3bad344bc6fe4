"""Every row of the table can be looked for in a text, and its sites are no donors."""

import re

import pytest

from charlstm.inspection.circuits.contrasts import CONTRASTS, Contrast
from charlstm.inspection.features.listed_features import Traits, features

LISTED = {signal.feature.name for signal in features("# a\n", Traits((), (), "#"), starts=[0])}


def test_names_are_distinct():
    assert len({contrast.name for contrast in CONTRASTS}) == len(CONTRASTS) >= 12


@pytest.mark.parametrize("contrast", CONTRASTS, ids=lambda contrast: contrast.name)
def test_a_row_fits_the_listed_features(contrast: Contrast):
    assert {condition.feature for condition in contrast.site + contrast.donor} <= LISTED
    re.compile(contrast.before)
    assert contrast.rival is None or not re.fullmatch(contrast.target, contrast.rival)


@pytest.mark.parametrize("contrast", CONTRASTS, ids=lambda contrast: contrast.name)
def test_no_position_is_a_site_and_a_donor(contrast: Contrast):
    donor = {(condition.feature, condition.at): condition for condition in contrast.donor}
    excluded = [
        other.most < condition.least or condition.most < other.least
        for condition in contrast.site
        if (other := donor.get((condition.feature, condition.at)))
    ]
    assert any(excluded)
