import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.errors import TrainerError
from trainer.holdout import row_ids, stratified_split
from trainer.rows import Row, checked_row, dataset_digest, normalise, text_digest

any_rows = st.lists(st.builds(Row, st.text("ab ", min_size=1).filter(str.strip), st.sampled_from(["x", "y"])), max_size=12)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        pytest.param("  where is\tmy \n order ", "where is my order", id="white space is one space, and none at the ends"),
        pytest.param("WHERE is Straße", "where is strasse", id="case does not count"),
        pytest.param("ﬁne ①", "fine 1", id="compatibility characters are their plain ones"),
    ],
)
def test_texts_are_compared_in_their_normalised_form(text, same):
    assert normalise(text) == same
    assert text_digest(text) == hashlib.sha256(same.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "intent", "complaint"),
    [
        pytest.param(" ", "greeting", "the text is empty", id="a blank text"),
        pytest.param(7, "greeting", "the text is empty or not a string", id="a number for a text"),
        pytest.param("hello", "", "the intent is empty", id="no intent"),
        pytest.param("hello", None, "the intent is empty or not a string", id="null for an intent"),
        pytest.param("hello", "a\nb", "the intent must be printable", id="an intent of two lines, which would forge a line of the digest"),
        pytest.param("hello", "x" * 201, "at most 200 characters", id="an endless intent"),
        pytest.param("hello \ud800", "greeting", "not valid Unicode", id="half of a surrogate pair"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_by_its_place(text, intent, complaint):
    with pytest.raises(TrainerError, match=rf"^full\.csv, line 3: .*{complaint}"):
        checked_row(text, intent, "full.csv, line 3")


def test_a_repeated_row_keeps_an_id_of_its_own():
    first, second, other = row_ids([Row("Hi", "greeting"), Row("hi ", "greeting"), Row("hi", "farewell")])
    assert (first[-2:], second[-2:], other[-2:]) == ("-0", "-1", "-0")
    assert first[:-2] == second[:-2] != other[:-2]


@given(rows=any_rows, data=st.data())
def test_ids_and_digests_are_the_same_in_any_order(rows, data):
    shuffled = data.draw(st.permutations(rows))
    ids = row_ids(rows)
    assert len(set(ids)) == len(rows)
    labelled = [sorted(zip(row_ids(some), (row.intent for row in some), strict=True)) for some in (rows, shuffled)]
    assert labelled[0] == labelled[1]
    assert dataset_digest(rows) == dataset_digest(shuffled)


def test_a_data_set_with_one_row_more_has_another_digest(rows):
    assert dataset_digest(rows) != dataset_digest([*rows, rows[0]])


def test_the_split_keeps_the_share_of_every_intent_and_loses_no_row(rows):
    training, holdout = stratified_split(rows, share=1 / 3, seed=0)
    assert Counter(row.intent for row in holdout) == {"warm": 2, "cold": 2, "none": 2}
    assert sorted(training + holdout) == sorted(rows)


@given(rows=any_rows)
def test_no_text_of_an_intent_stands_on_both_sides_of_the_split(rows):
    rows = [*rows, *(Row(text, intent) for intent in "xy" for text in ("one", "two"))]
    training, holdout = stratified_split(rows, share=0.5, seed=1)
    assert not {(normalise(row.text), row.intent) for row in training} & {(normalise(row.text), row.intent) for row in holdout}


def test_the_split_depends_on_the_seed_and_on_nothing_else(rows):
    assert stratified_split(rows, share=0.3, seed=4) == stratified_split(rows, share=0.3, seed=4)
    same_rows = {row.text for row in stratified_split(rows[::-1], share=0.3, seed=4)[1]}
    assert same_rows == {row.text for row in stratified_split(rows, share=0.3, seed=4)[1]}
    assert same_rows != {row.text for row in stratified_split(rows, share=0.3, seed=5)[1]}


def test_when_data_are_added_what_was_held_out_stays_out_of_training(rows):
    _, before = stratified_split(rows, share=0.2, seed=0)
    training, _ = stratified_split([*rows, *(Row(f"{row.text} again", row.intent) for row in rows)], share=0.5, seed=0)
    assert not set(before) & set(training)


def test_an_intent_with_one_text_cannot_be_split():
    rows = [Row("hi", "greeting"), Row("HI", "greeting"), Row("bye", "farewell"), Row("see you", "farewell")]
    with pytest.raises(TrainerError, match="The intent 'greeting' has only one distinct text"):
        stratified_split(rows, share=0.2, seed=0)
