"""The model card of a run: its facts, what its cells do, and nothing of a text taken as markup."""

from report_fixture import sample_findings

from charlstm.report.model_card import CardFacts, model_card

FACTS = CardFacts(
    name="me/fox",
    layers=1,
    cells=64,
    parameters=12_345,
    symbols=30,
    text="a_book*.txt",
    bits_per_character=1.5,
)


def test_a_card_without_findings_says_what_the_model_is_and_how_to_use_it():
    card = model_card(FACTS, None)
    assert card.startswith("---\nlibrary_name: charlstm\n")
    assert "an LSTM of one layer" in card.replace("A character-level LSTM", "an LSTM")
    assert "a\\_book\\*.txt" in card
    assert "1.500 bits per character" in card
    assert "charlstm sample hf:me/fox" in card
    assert "What its cells do" not in card


def test_each_found_cell_has_a_row_with_its_verdict_and_effect():
    document = sample_findings()
    card = model_card(FACTS, document)
    rows = [line for line in card.splitlines() if line.startswith("| ") and ":" in line.split("|")[1]]
    assert len(rows) == len(document["findings"])
    assert all(line.count("|") - line.count("\\|") == 7 for line in rows)
    for finding in document["findings"]:
        row = next(line for line in rows if f" {finding['layer']}:{finding['cell']} " in line)
        assert (finding["verdict"] or "not tested") in row


def test_nothing_that_a_text_or_a_feature_says_becomes_markup():
    document = sample_findings()
    document["findings"][0]["drivers"] = {"set": ["|"], "reset": ["`", "<b>"]}
    card = model_card(CardFacts(**vars(FACTS) | {"text": "<script>[x](y)"}), document)
    assert "<script>" not in card
    assert "\\[x\\]" in card
    assert "`` ` ``" in card
    assert "`\\|`" in card
