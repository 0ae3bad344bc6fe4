"""The English of the page: every name, value and sentence that a reader sees, made of the findings' own data.

symbols.py        characters that cannot be seen -> characters that can
plain_table.py    rows -> aligned columns of plain text
values.py         numbers, lists and identifiers -> text
phrases.py        pieces of sentences, some of which are characters of the inspected text
feature_nouns.py  the name of a feature -> a noun, such as "text inside single quotes"
common_words.py   common words by which the table's filter finds a finding
proof_numbers.py  effect, interval and share of a finding, as every place tells them
detection_numbers.py  score, near limit, runner-up and false discoveries, as every place tells them
sentences.py      a finding -> what its cell does, and what a change of the cell did
doubts.py         a finding -> what is missing for the verdict "verified"
glossary.py       the words of the page, and what each means
network/          what is told of the network as a whole, and of the inspection
"""
