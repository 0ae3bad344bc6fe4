"""The plain data of a page, made of findings.json: the templates only place it and the script only draws it.

shapes/           the check of what the page reads of findings.json
view.py           the findings -> everything that the templates of the page read
rows.py           one finding -> a line of the table and a sentence of the summary
first_cell.py     the cell of the first screen, and the lines of text that it is shown in
lesson/           what the exercises show: cells to predict, and the used one among others
network.py        gates, gradients and control networks -> the tables about the network as a whole
proof_data.py     evidence, sets, edges and unexpected cells -> what the page lays out and draws
over_time.py      what cells did at earlier points of the training -> a table, charts and a coloured text
examples.py       the packed examples of a finding -> an excerpt and short lines with plain numbers
script_data.py    the findings -> what the page's script draws: texts, portraits, interventions
watched_cells.py  the findings -> the names and levels of the cells in the part with the model
packed_model.py   a run's folder -> the model as text that a page can carry
size_limit.py     what is left out of a page that would be too large
comparison.py     two findings.json documents about one text -> what the template of their comparison reads
"""
