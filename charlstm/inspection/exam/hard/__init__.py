"""The hard networks of the exam have cells that are used in part, in company, or for something else.

Reading order:
text_styles.py       texts of other characters than the exam's own, and source code
hard_cells.py        planted cells that the clear networks do not have
building.py          networks of two layers, noise on all weights, and cells in another order
company.py           questions about cells that share one behaviour with others or with a direction
odd_cells.py         questions about cells that are used for something else, and about slow ones
hard_networks.py     the networks "shared", "upper" and "noisy", from a seed
trained_networks.py  networks "trained": cells are planted, and all else is trained by gradient
"""
