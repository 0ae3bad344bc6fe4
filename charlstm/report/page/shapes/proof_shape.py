"""The check of what is drawn of a proof: interventions, evidence, and the sets that carry a behaviour.

`shape` puts these checks into that of the whole document.
"""

from typing import Any

from charlstm.report.page.shapes.checks import (
    MOST_BINS,
    MOST_NAMES,
    Check,
    anything,
    by_name,
    count,
    estimate,
    feature_name,
    list_of,
    number,
    numbers,
    object_with,
    or_null,
    pair,
    refusal,
    series,
    string,
)

# The most behaviours, unexpected cells and edges that are told; an inspection writes far fewer.
_MOST_TOLD = 10_000
# The most moments of a training; a training keeps at most a hundred.
_MOST_MOMENTS = 1_000
# The most curves of a behaviour, sets of cells in a curve, and cells of a set.
_MOST_CURVES, _MOST_SETS, _MOST_CELLS = 20, 300, 100_000


def _number_or_estimate(value: Any, path: str) -> None:
    """Refuse an estimate that is neither one number nor a value with its interval."""
    (number if isinstance(value, (int, float)) else estimate)(value, path)


_EFFECT = object_with({"nats": estimate, "log_odds": estimate, "sites": count})
_DOSES = list_of(
    object_with(dict.fromkeys(("dose", "effect_nats", "low", "high"), number), needs=["dose", "effect_nats"]),
    MOST_BINS,
)
CAUSAL: Check = object_with(
    {
        "target": string,
        **dict.fromkeys(("effect_nats", "specific_nats", "natural_nats", "steps", "p_value"), number),
        **dict.fromkeys(("hold_nats", "resample_nats", "insertion_nats", "ratio"), number),
        **dict.fromkeys(("lag", "sites"), count),
        "interval": pair,
        "control_effects": object_with(
            {"count": count, "quantiles": numbers} | dict.fromkeys(("median", "p95", "max"), number)
        ),
        "dose_response": _DOSES,
        "displacement": object_with({"steps": number, "characters": number, "interval": pair}),
        "group": object_with(
            {
                "cells": list_of(string, _MOST_CELLS),
                "effect_nats": number,
                "interval": pair,
                "leave_one_out": list_of(
                    object_with({"cell": string, "lost": estimate, "part": estimate}), _MOST_CELLS
                ),
            }
        ),
    }
)
EVIDENCE: Check = object_with(
    {
        "limit_nats": number,
        "margin_nats": number,
        "necessity": object_with(
            {
                "lag": count,
                "resample": _EFFECT,
                "conditional_mean": _EFFECT,
                "by_lag": list_of(
                    object_with({"lag": count, "sites": count, "nats": estimate}, needs=["lag"]),
                    MOST_NAMES,
                ),
            }
        ),
        "dose": object_with({"response": _DOSES, "characters_per_step": estimate}),
        "sufficiency": object_with(
            {"insertion": estimate, "restoration": estimate, "restoration_baseline": number}
        ),
        "interchange": object_with(
            {"pairs": count, "share": estimate, "random_cells": number, "linear_direction": number}
        ),
        "specificity": object_with(
            {
                "own": estimate,
                "beside_others": estimate,
                "runner_up": feature_name,
                "behaviours": list_of(
                    object_with(
                        {"feature": feature_name, "target": string, "nats": estimate, "sites": count}
                    ),
                    _MOST_TOLD,
                ),
            }
        ),
        "rank": object_with(
            dict.fromkeys(("rank", "cells", "others", "others_without_roles"), count)
            | dict.fromkeys(("p95", "p95_without_roles"), number)
        ),
        "conditions": object_with(
            dict.fromkeys(("necessity", "specificity", "insertion", "restoration", "interchange"), anything)
        ),
    }
)
GRADE: Check = object_with(dict.fromkeys(("share", "low", "high"), number) | {"of": string})
_CURVE = list_of(
    object_with({"cells": count} | dict.fromkeys(("share", "low", "high"), number), needs=["cells"]),
    _MOST_SETS,
)
_BEHAVIOUR = object_with(
    {
        "feature": feature_name,
        "target": string,
        "rival": string,
        "contrast": feature_name,
        "sites": count,
        "sentence": feature_name,
        "curves": list_of(object_with({"order": string, "keep": _CURVE, "remove": _CURVE}), _MOST_CURVES),
        "smallest_set": object_with(
            {
                "cells": list_of(feature_name, _MOST_CELLS),
                "share": _number_or_estimate,
                "without": _number_or_estimate,
                "jaccard": _number_or_estimate,
            }
        ),
    },
    needs=["feature"],
)
_GATE_OVER_TIME = list_of(or_null(object_with({"at_drivers": number, "elsewhere": number})), _MOST_MOMENTS)
_CELL_OVER_TIME = object_with(
    {
        "layer": count,
        "cell": count,
        "feature": feature_name,
        "score": numbers,
        "two_levels": list_of(anything, _MOST_MOMENTS),
        "effect": list_of(or_null(estimate), _MOST_MOMENTS),
        "input_gate": _GATE_OVER_TIME,
        "forget_gate": _GATE_OVER_TIME,
    },
    needs=["layer", "cell", "feature", "score", "two_levels", "effect"],
    alike=["score", "two_levels", "effect", "input_gate", "forget_gate"],
)
_EXCERPT_OVER_TIME = object_with(
    {
        "start": count,
        "text": string,
        "features": by_name(series, _MOST_TOLD),
        "cells": list_of(string, _MOST_TOLD),
        "tanh_c": string,
    },
    needs=["text", "cells", "tanh_c"],
)


def _excerpt_over_time(value: Any, path: str) -> None:
    """Refuse a text over time that lacks a part; {} stands for none. The page compares the lengths."""
    if value != {}:
        _EXCERPT_OVER_TIME(value, path)


def over_time(value: Any, path: str) -> None:
    """Refuse what does not say of each cell what it did at each moment; {} stands for nothing."""
    by_name(anything)(value, path)
    if not value:
        return
    steps = list_of(count, _MOST_MOMENTS)
    known = {"steps": steps, "bits_per_character": numbers, "cells": list_of(_CELL_OVER_TIME, _MOST_TOLD)}
    parts = {**known, "excerpt": _excerpt_over_time}
    object_with(parts, needs=list(known), alike=["steps", "bits_per_character"])(value, path)
    for cell in value["cells"]:
        if len(cell["score"]) != len(value["steps"]):
            raise refusal(path, "as many values of each cell as steps", cell["score"])


# The checks of the fields of the document that say which cells a behaviour rests on.
CIRCUITS: dict[str, Check] = {
    "over_time": over_time,
    "behaviours": list_of(_BEHAVIOUR, _MOST_TOLD),
    "unexpected": list_of(
        object_with(
            {
                "layer": count,
                "cell": count,
                "feature": feature_name,
                "target": string,
                "effect": _number_or_estimate,
                "attribution": _number_or_estimate,
                "rank": count,
                "of": count,
            },
            needs=["layer", "cell"],
        ),
        _MOST_TOLD,
    ),
    "edges": list_of(
        object_with(
            {
                "from": string,
                "to": string,
                "kind": string,
                "feature": feature_name,
                "value": _number_or_estimate,
                "of": number,
            },
            needs=["from", "to"],
        ),
        _MOST_TOLD,
    ),
}
