"""Test by interventions whether a model uses the cells that follow a feature.

In reading order:

    sites           choose where in the text cells are changed: lag + 1 characters before the feature ends
    rollouts        run the model on from stored states while the cell state of chosen cells is changed
    experiment      define the experiment that every intervention repeats, and what it measures
    control_cells   choose the control cells of a candidate, and give them an equal dose
    effect          measure the effect of one candidate beside its controls: its size and its p-value
    joint_effect    measure the effect of all candidates of one feature when they are changed together
    effect_details  measure what else findings.json says of an intervention; no verdict depends on it
    verdict         go through the whole proof, from the candidates to a verdict for each
"""
