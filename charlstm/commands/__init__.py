"""The commands of `charlstm` in a terminal. Each command is one file; most call the task of the same name.

app             registers the commands
options/        what can be typed after a command's name
exits           how a command ends: exit codes, problems in two lines
train, sample, score, inspect, import_weights, exam, report, corpora, devices, demo
sharing/        export and push: a run for others
terminal/       what a person sees: formatting, the console, tables, the story of a training
"""
