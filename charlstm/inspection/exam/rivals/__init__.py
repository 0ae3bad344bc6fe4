"""Rivals are simple methods that sit the exam beside the inspection.

Reading order:
mark_features.py  the features of a text that rivals know: one for each mark and each pair of marks
readings.py       the cell states and the features of an exam network, position by position
scores.py         how well cells follow features: correlation, probe, mutual information, principal components
attribution.py    how much the closer's logit depends on a cell, by its gradient
sitting.py        how the scores of a rival become answers, with limits that were set on other networks
"""
