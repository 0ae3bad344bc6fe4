"""Describing turns what was detected and proven in a model into the plain data of findings.json.

Reading order:
findings_data.py   the entries of findings.json about the findings, the method, the model and the software
followed_cells.py  a finding's cell and its feature along held-out text, which is read once for all
portraits.py       what c of a finding looks like: around events, by level, and in three excerpts of the text
examples.py        where a finding's feature goes on and off: an excerpt of its own, and short lines by lot
excerpts.py        the text that all cells share on the report page, with tanh(c) of many cells along it
text_over_time.py  one text with the states of found cells along it at every moment of the training
packing.py         rows of small numbers along a text -> a string
"""
