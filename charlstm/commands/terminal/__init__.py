"""What a person sees in a terminal. Only this folder prints.

formatting      numbers, times and characters as text
console         writing to stdout and stderr, the progress bar
training_story  what a training tells while it runs
machine_story   what `charlstm devices` tells of a machine
tables          the results of the other commands; the table of findings is in report/
"""
