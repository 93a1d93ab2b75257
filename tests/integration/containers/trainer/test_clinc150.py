"""The real CLINC150 files, which are not part of this project: read where they are there."""

from collections import Counter

import pytest

from trainer.dataset import dataset_file, read_rows
from trainer.train import Settings, gather


@pytest.mark.parametrize(("name", "training_rows"), [("data_full", 15_000), ("data_small", 7_500), ("data_imbalanced", 10_525)])
def test_the_real_files_are_read_whole_with_150_intents_and_their_own_test_split(clinc150, name, training_rows):
    variables = {"SAFEGUARD_OUTPUT_DIR": "unused", "SAFEGUARD_DATA_DIR": str(clinc150), "SAFEGUARD_PARAM_DATASET": name}
    training, holdout = gather(Settings.read([], variables))
    assert (len(training), len(holdout)) == (training_rows, 4_500)
    assert {row.intent for row in training} == {row.intent for row in holdout}
    assert Counter(Counter(row.intent for row in holdout).values()) == {30: 150}


def test_the_real_out_of_scope_rows_come_along_as_one_intent_more_where_they_are_wanted(clinc150):
    source = dataset_file(clinc150, "data_full")
    for split, rows, out_of_scope in (("train", 15_100, 100), ("test", 5_500, 1_000)):
        intents = Counter(row.intent for row in read_rows(source, split=split, include_oos=True))
        assert (intents.total(), intents["oos"], len(intents)) == (rows, out_of_scope, 151)
