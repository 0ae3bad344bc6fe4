"""What is told of the network as a whole, and of the inspection.

sets.py         a behaviour -> the set of cells that is its mechanism
appearances.py  a cell over time -> from which training step on it did what it does
method.py       how the findings were measured, in a few sentences
caveats.py      the findings -> what limits them
"""
