"""Test by interventions whether a model uses the cells that follow a feature.

In reading order:

    behaviours    find what a model should predict where a feature ends, and where in the text to change cells
    survey        read the text once and keep the states that experiments begin from
    rollouts      run the model on from stored states while the cell state of chosen cells is set
    experiment    define the experiment that every intervention repeats, and what it measures
    necessity     measure what closers lose when cells get values of the feature's other state
    sufficiency   measure what cells alone are enough for
    census        change every cell of a layer alone, and compare a candidate with all others
    joint_effect  measure the effect of all unverified candidates of one feature together
    judgement     decide the verdict of a candidate from what was measured
    doses         measure other doses, holding, and how far a counter moves its closer
    proof_data    write what was measured as findings.json has it
    verdict       go through the whole proof, from the candidates to a verdict for each
"""
