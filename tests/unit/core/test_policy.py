from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.policy import Approvals, GateMode, MetricRule, OnInconclusive, Policy, Promotion, Rules, stricter
from modelsafeguard.core.profiles import PROFILES, GateName, Mode, Profile, strictest

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


def test_all_that_a_request_cannot_name_is_the_owners_alone():
    owner = replace(
        policy(MANUAL, accuracy="0.01"),
        approval_deadline_seconds=60,
        max_leakage=Decimal("0.5"),
        on_inconclusive=OnInconclusive.AWAIT_APPROVAL,
        approvals=Approvals(forbid_own=True),
    )
    counts = stricter(owner, rules(accuracy="0"))
    assert {field.name for field in fields(Rules)} == {"metrics", "promotion", "profile"}
    assert replace(counts, metrics=owner.metrics) == owner


@pytest.mark.parametrize(
    ("owner", "asked", "counts"),
    [
        pytest.param({"min_value": "0.8"}, {"min_value": "0.9"}, {"min_value": "0.9"}, id="the higher floor"),
        pytest.param({"min_value": "0.8"}, {"min_value": "0.7"}, {"min_value": "0.8"}, id="and never the lower"),
        pytest.param({}, {"min_value": "0.7"}, {"min_value": "0.7"}, id="a floor where the owner has none"),
        pytest.param({"min_value": "0.8"}, {}, {"min_value": "0.8"}, id="the owner's floor where the request has none"),
        pytest.param({"max_gain": "0.1"}, {"max_gain": "0.02"}, {"max_gain": "0.02"}, id="the smaller gain"),
        pytest.param({}, {"max_gain": "0.2"}, {"max_gain": "0.05"}, id="but not a larger one than is believed anyway"),
        pytest.param({"max_total_drop": "0.05"}, {"max_total_drop": "0.03"}, {"max_total_drop": "0.03"}, id="the smaller budget"),
        pytest.param({}, {"max_total_drop": "0.1"}, {"max_total_drop": "0.02"}, id="but not a larger one than twice the owner's tolerance"),
        pytest.param({"max_total_drop": "0.05"}, {}, {"max_total_drop": "0.05"}, id="the owner's budget where the request has none"),
    ],
)
def test_of_each_threshold_the_tighter_one_counts(owner, asked, counts):
    owned, wanted, expected = (MetricRule("accuracy", Decimal("0.01"), **numbers(**each)) for each in (owner, asked, counts))
    assert stricter(Policy((owned,)), Rules((wanted,))).metrics == (expected,)


def numbers(**values):
    return {name: Decimal(value) for name, value in values.items()}


def test_a_request_for_strict_keeps_what_the_owner_enforces_and_enforces_the_rest():
    owner = Policy(gates=(GateMode(GateName.NO_LEAKAGE, Mode.OFF), GateMode(GateName.SOMETHING_CHANGED, Mode.WARN)))
    counts = stricter(owner, Rules(profile=Profile.STRICT))
    assert counts.profile is Profile.STRICT
    assert {counts.mode(gate) for gate in GateName} == {Mode.ENFORCE}
    assert counts.gates == (GateMode(GateName.METRIC_WITHIN_TOLERANCE, Mode.ENFORCE),), "only what differs from the profile is written"


def test_a_request_that_asks_for_no_profile_leaves_the_owners_gates_as_they_are():
    owner = Policy(profile=Profile.STRICT, gates=(GateMode(GateName.NO_LEAKAGE, Mode.OFF),))
    assert stricter(owner, Rules(profile=Profile.SEED)) == owner


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
    st.sampled_from(Profile),
)
modes = st.dictionaries(st.sampled_from(GateName), st.sampled_from(Mode), max_size=3)
policies = st.builds(
    lambda rules, modes: Policy(**vars(rules), gates=tuple(GateMode(name, mode) for name, mode in modes.items())), asked_for, modes
)


@given(policies, asked_for)
def test_the_result_is_at_least_as_strict_as_both(owner, asked):
    result = {rule.name: rule.max_drop for rule in stricter(owner, asked).metrics}
    for rule in (*owner.metrics, *asked.metrics):
        assert result[rule.name] <= rule.max_drop
    assert set(result) == {rule.name for rule in (*owner.metrics, *asked.metrics)}
    for gate in GateName:
        wanted = PROFILES[asked.profile][gate] if asked.profile is Profile.STRICT else Mode.OFF
        assert stricter(owner, asked).mode(gate) is strictest(owner.mode(gate), wanted)
