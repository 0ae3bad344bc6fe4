"""A text becomes the numbers of its characters.

sources         the files that the name of a text stands for
listing         the files below a folder and those that a glob matches, each once
hub             a column of a dataset on the Hugging Face hub
grammar         generated texts whose state is known at every character
line_ends       line ends of \\r\\n and \\r that are read as \\n
text_file       the bytes and characters of a file, whatever it is packed and encoded in
vocabulary      which number stands for which character
cache_folder    the folder for caches, which must be this user's alone
token_cache     a text's numbers as a file that is made once
mapped_ids      the numbers in that file, checked, in memory or memory-mapped
spot_check      a comparison of the numbers with the text, at some places of it
corpus          a text ready for training: found, encoded, split
"""
