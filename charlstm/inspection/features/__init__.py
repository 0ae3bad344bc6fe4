"""Features are reference signals, computed from the text alone, that a model's cells are compared with.

Reading order:
feature.py            what a feature is: its kind, its driving characters, and its signal along a text
text_signals.py       elementary arrays along a text: distances, counts, the insides of quotes and brackets
listed_features.py    the built-in features: quotes, brackets, lines, code, and two features of every mark
proposed_features.py  a switch, a counter or a depth counter that given driving characters move
expression_spans.py   where a regular expression matches, within a limit of time
user_features.py      features that a user writes as NAME=REGEX or NAME=set:A,reset:B
feature_table.py      which features vary enough in a text to be tested, and their signals along any text
"""
