"""What the exercises of the page show, chosen from the findings by plain rules.

predictions.py   the cells that a reader predicts on lines without colours
lineup.py        a cell that the network uses among others that only look like it
"""
