"""The version of the rules by which cells get their labels."""

# It changes with every change of a rule that may change a finding, a verdict or a set of cells.
RULES_VERSION = 4
