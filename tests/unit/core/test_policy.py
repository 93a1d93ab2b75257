from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.policy import MetricRule, Policy, Promotion, Rules, stricter

AUTOMATIC, MANUAL, DRY_RUN = Promotion.AUTOMATIC, Promotion.MANUAL, Promotion.DRY_RUN


def rules(promotion=AUTOMATIC, **drops):
    return Rules(tuple(MetricRule(name, Decimal(drop)) for name, drop in drops.items()), promotion)


def policy(promotion=AUTOMATIC, **drops):
    return Policy(**vars(rules(promotion, **drops)))


@pytest.mark.parametrize(
    ("owner", "asked", "counts"),
    [
        pytest.param(policy(accuracy="0.01"), None, policy(accuracy="0.01"), id="without a request's policy the owner's counts"),
        pytest.param(policy(accuracy="0.01"), rules(accuracy="0"), policy(accuracy="0"), id="a request can tighten"),
        pytest.param(policy(accuracy="0.01"), rules(accuracy="0.5"), policy(accuracy="0.01"), id="a request cannot loosen"),
        pytest.param(
            policy(accuracy="0.01"), rules(accuracy="-0.02"), policy(accuracy="-0.02"), id="a required gain is stricter than none"
        ),
        pytest.param(
            policy(accuracy="0.01", f1_macro="0.01"),
            rules(recall="0.1", f1_macro="0"),
            policy(accuracy="0.01", f1_macro="0", recall="0.1"),
            id="metrics of both sides count, the owner's first",
        ),
        pytest.param(policy(accuracy="0.01"), rules(), policy(accuracy="0.01"), id="an empty request policy takes nothing away"),
        pytest.param(policy(AUTOMATIC), rules(MANUAL), policy(MANUAL), id="Manual is more careful than Automatic"),
        pytest.param(policy(DRY_RUN), rules(MANUAL), policy(DRY_RUN), id="DryRun is more careful than Manual"),
        pytest.param(policy(MANUAL), rules(AUTOMATIC), policy(MANUAL), id="a request cannot promote automatically what waits for a person"),
    ],
)
def test_the_stricter_of_two_policies_counts(owner, asked, counts):
    assert stricter(owner, asked) == counts


def test_how_long_an_approval_may_take_is_the_owners_alone():
    owner = replace(policy(MANUAL, accuracy="0.01"), approval_deadline_seconds=60)
    assert stricter(owner, rules(accuracy="0")).approval_deadline_seconds == 60
    assert "approval_deadline_seconds" not in {field.name for field in fields(Rules)}


@pytest.mark.parametrize("broken", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_rule_that_is_no_number_is_never_replaced_by_one(broken):
    for owner, asked in ((policy(accuracy="0.01"), rules(accuracy=broken)), (policy(accuracy=broken), rules(accuracy="0.01"))):
        assert not stricter(owner, asked).metrics[0].max_drop.is_finite()


asked_for = st.builds(
    Rules,
    st.lists(
        st.builds(MetricRule, st.sampled_from(["accuracy", "f1_macro", "recall"]), st.decimals(-1, 1, places=3)),
        max_size=3,
        unique_by=lambda rule: rule.name,
    ).map(tuple),
    st.sampled_from(Promotion),
)
policies = asked_for.map(lambda rules: Policy(**vars(rules)))


@given(policies, asked_for)
def test_the_result_is_at_least_as_strict_as_both(owner, asked):
    result = {rule.name: rule.max_drop for rule in stricter(owner, asked).metrics}
    for rule in (*owner.metrics, *asked.metrics):
        assert result[rule.name] <= rule.max_drop
    assert set(result) == {rule.name for rule in (*owner.metrics, *asked.metrics)}
