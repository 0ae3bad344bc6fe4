"""What `import charlstm` offers to a Python session or a notebook.

train          `charlstm.train`: a text in hand, or one that is named, becomes a run
run            `charlstm.load`: a run, with methods to sample, score, inspect and trace
inspect        `charlstm.inspect`: the switches and counters of a run or of modules
trace          `charlstm.trace`: all gates and states along a text, and those of one cell
held_trace     gates and states along a text while cells are held
texts          a text in hand, or one that a Path names
holds          the cells to hold, as a session spells them
findings       what an inspection found, as a table, records, a page and HTML
modules        a live nn.LSTM with its embedding and head as a CharLSTM with a vocabulary
progress       progress told to a function, or shown as a bar
coloured_text  a text as HTML, each character on the colour of a number
"""
