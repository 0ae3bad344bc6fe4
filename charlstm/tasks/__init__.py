"""What each command does, as functions that print nothing: the commands and the Python session call them.

training_plan   what `charlstm train` will do: the text, its splits and every setting
train           `charlstm train`: a training planned, saved and reported as events
snapshots       copies of the weights, kept along a training
run_text        the text that a command reads with a run
next_commands   command lines that work for a run as it is
sample          `charlstm sample`: texts drawn from a run, with cells held
score           `charlstm score`: how well a run predicts a text
inspect         `charlstm inspect`: a run's switches and counters, found, saved and drawn
report          `charlstm report`: the page and figures of findings.json
import_weights  `charlstm import`: a model from elsewhere as a run's folder
sharing/        `charlstm export` and `charlstm push`: a run for others
devices         `charlstm devices`: what this machine has and how fast it is
"""
