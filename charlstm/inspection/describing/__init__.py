"""Describing turns what was detected and proven in a model into the plain data of findings.json.

Reading order:
findings_data.py  the entries of findings.json about the findings, the method, the model and the software
portraits.py      what c of a finding looks like: around events, by level, and in three excerpts of the text
excerpts.py       the text that the report page shows, with c, the gates and tanh(c) of many cells along it
"""
