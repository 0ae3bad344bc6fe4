"""The check of what the page and the figures read of findings.json, before anything is drawn.

shape.py        the check of the whole document
proof_shape.py  the part of that check about interventions, evidence and sets of cells
checks.py       checks of single values, of which the others are made
"""
