"""Find the switches and counters among a model's cells, and test whether the model uses them.

In reading order:

- `inspect`: the whole inspection, from a model and a text to findings
- `study`: one model: its cells are detected, named and intervened on
- `over_time`: the found cells at earlier points of the training
- `control_networks`: networks that should have no findings, inspected in the same way
- `twins`: how control networks are made from the model
- `progress`: how the stages report how far they are
- `estimates`: means over clustered sites, with intervals
- `rules`: the version of the rules by which cells get their labels
- `features/`: what a cell may follow, computed from the text
- `reading/`: the gates and states at every character, and sums over them
- `detecting/`: which cells follow which features
- `intervening/`: whether the model uses a cell that follows a feature
- `circuits/`: which sets of cells a behaviour rests on, and what passes between cells
- `gates/`: saturation of the gates, gradients through them, and the weights behind a cell
- `describing/`: what was found as plain data
- `exam/`: networks with planted cells that the inspection must find
"""
