"""The exam measures how well an inspection finds switches and counters in networks whose cells are known.

README.md describes the networks, the marking and the files with which others sit the exam. Reading order:

planted_cells.py     cells whose gates are set by hand: switches, counters, decoys; a network made of them
exam_texts.py        the random text that a network reads, and the characters that structure it
questions.py         the questions: each is a planted cell and the answer that is right for it
planted_networks.py  a clear network with its text and its questions, from a seed
hard/                networks whose cells are used in part, in company, for something else, or trained
exam_networks.py     the network of each seed: clear, shared, upper, noisy or trained
answers.py           what a method says of a network's cells; the answers of the inspection
marking.py           compares answers with questions, and counts what is right
rivals/              simple methods that sit the exam beside the inspection
exam_run.py          runs the exam: networks, methods, marks
answer_file.py       the answers of somebody else's method, read from a file
exam_folder.py       the exam written for others: runs, texts and questions
"""
