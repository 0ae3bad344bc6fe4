"""A text becomes the numbers of its characters.

sources         the files that the name of a text stands for
grammar         generated texts whose state is known at every character
vocabulary      which number stands for which character
token_cache     a text's numbers as a memory-mapped file that is made once
corpus          a text ready for training: found, encoded, split
"""
