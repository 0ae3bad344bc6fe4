"""The page, its comparison of two models, a table and the figures, drawn from findings.json without torch.

words/              what a value, a character, a feature and a finding are called in English
page/               the plain data of a page: what its templates lay out and what its script draws
templates/          the HTML, styles/ the CSS and scripts/ the JavaScript that are joined into one file
script_bundle.py    the modules in scripts/ -> one script
render.py           the data of a page -> one HTML file that works offline
findings_table.py   the findings -> a table of plain text, for a terminal and a Python session
model_card.py       a run -> a page of Markdown for the Hugging Face hub
figures.py          the findings -> figures as PNG and SVG
figure_files.py     what is drawn -> files
training_figure.py  the figure of one training, or of several
README.md           what the page shows, and findings.json field by field
"""
