"""The English of the page: every name, value and sentence that a reader sees, made of the findings' own data.

symbols.py        characters that cannot be seen -> characters that can
values.py         numbers, lists and identifiers -> text
phrases.py        pieces of sentences, some of which are characters of the inspected text
feature_nouns.py  the name of a feature -> a noun, such as "text inside single quotes"
sentences.py      a finding -> what its cell does, what a change of the cell did, and what that shows
caveats.py        the findings -> what limits them
"""
