"""The exam measures how well an inspection finds switches and counters in networks that were
built with known ones.

Reading order:
planted_cells.py  cells whose gates are set by hand: switches, counters and decoys; a network made of them
exam_texts.py     the random text that a network of the exam reads, and the characters that structure it
questions.py      the questions of the exam: each is a planted cell and the answer that is right for it
planted_networks.py  one network of the exam with its text and its questions, from a seed
marking.py        runs the exam: inspects the networks, compares answers with questions, and counts
"""
