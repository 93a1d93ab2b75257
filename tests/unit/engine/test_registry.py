import pytest

from modelsafeguard.api import modeldeployment
from modelsafeguard.engine.registry import Registry, entry_of
from modelsafeguard.kube.observe import Place
from tests.support.objects import model_deployment

EARLY, LATE = "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"


def body_of(name, path, *, deployment="", claim="models", namespace="ml", created=EARLY, uid=""):
    """A ModelDeployment as the API server has it; it serves with the Deployment of its own name unless another one is given."""
    spec = {"serving": {"deploymentName": deployment or name}, "storage": {"claimName": claim, "path": path}}
    body = model_deployment(name, **spec)
    body["metadata"] |= {
        "namespace": namespace,
        "uid": uid or f"uid-{name}",
        "creationTimestamp": created,
        "resourceVersion": "1",
        "generation": 1,
    }
    return body


def younger(path, **changes):
    """A model that came later."""
    return body_of("younger", path, created=LATE, **changes)


def rival(models, body):
    return models.rival(modeldeployment.from_body(body))


@pytest.fixture
def models():
    return Registry()


@pytest.fixture
def older(models):
    """A model that was there first, in folder a/b of the claim."""
    body = body_of("older", "a/b")
    models.note(body)
    return body


@pytest.mark.parametrize(
    ("body", "in_conflict"),
    [
        pytest.param(younger("c", deployment="older", claim="others"), True, id="the same Deployment"),
        pytest.param(younger("a/b"), True, id="the same folder"),
        pytest.param(younger("a/b/c/d"), True, id="a folder in its folder"),
        pytest.param(younger("a"), True, id="the folder around its folder"),
        pytest.param(younger("a/bc"), False, id="a folder whose name begins as its own"),
        pytest.param(younger("a/b.c"), False, id="a folder whose name goes on with a dot"),
        pytest.param(younger("b"), False, id="a folder named as a part of its path"),
        pytest.param(younger("a/B"), False, id="a folder in other letters"),
        pytest.param(younger("a/b", claim="others"), False, id="the same folder of another claim"),
        pytest.param(younger("a/b", deployment="older", namespace="shop"), False, id="the same names in another namespace"),
    ],
)
def test_the_younger_of_two_models_in_one_place_has_a_rival_and_the_older_has_none(models, older, body, in_conflict):
    key = models.note(body)
    assert rival(models, body) == ("older" if in_conflict else "")
    assert rival(models, older) == ""
    assert models.neighbours(key) == ([("ml", "older")] if in_conflict else [])
    assert models.neighbours(("ml", "older")) == ([("ml", "younger")] if in_conflict else [])


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        pytest.param((LATE, "1"), (EARLY, "2"), "other", id="the older one"),
        pytest.param((EARLY, "1"), (EARLY, "2"), "one", id="of the same second the smaller uid"),
        pytest.param((EARLY, "2"), (EARLY, "1"), "other", id="of the same second the smaller uid, whatever the order of events"),
    ],
)
def test_one_of_two_models_in_one_place_wins(models, one, other, winner):
    bodies = {name: body_of(name, "a", created=created, uid=uid) for name, (created, uid) in {"one": one, "other": other}.items()}
    for body in bodies.values():
        models.note(body)
    assert {name: rival(models, body) for name, body in bodies.items()} == {
        name: "" if name == winner else winner for name in ("one", "other")
    }


def test_of_several_rivals_one_is_named_always_the_same(models):
    for name in ("c", "b", "d"):
        models.note(body_of(name, "a"))
    last = body_of("a", "a", created=LATE)
    models.note(last)
    assert rival(models, last) == "b"
    assert sorted(models.neighbours(("ml", "a"))) == [("ml", "b"), ("ml", "c"), ("ml", "d")]


@pytest.mark.usefixtures("older")
def test_a_model_that_is_gone_is_nobodys_rival(models):
    other = younger("a/b")
    models.note(other)
    models.forget(("ml", "older"))
    assert rival(models, other) == ""
    assert models.place("ml", "older") is None
    assert models.serving("ml", "older") == []
    assert models.neighbours(("ml", "older")) == []
    models.forget(("ml", "older"))


@pytest.mark.usefixtures("older")
def test_a_model_that_moved_is_where_it_is_now(models):
    other = younger("a/b")
    models.note(other)
    models.note(body_of("older", "elsewhere", deployment="another"))
    assert rival(models, other) == ""
    assert models.place("ml", "older") == Place("another", "models")
    assert models.serving("ml", "another") == [("ml", "older")]
    assert models.serving("ml", "older") == []


@pytest.mark.usefixtures("older")
def test_a_model_that_was_made_anew_has_the_age_of_the_new_one(models):
    second = body_of("second", "a/b", created=LATE)
    models.note(second)
    again = body_of("older", "a/b", created="2026-01-31T12:00:02Z", uid="another")
    models.note(again)
    assert rival(models, again) == "second"
    assert rival(models, second) == ""


@pytest.mark.usefixtures("older")
def test_a_model_that_is_not_known_has_no_rival(models):
    assert rival(models, body_of("unknown", "a/b", created=LATE)) == ""


@pytest.mark.usefixtures("older")
def test_all_models_that_serve_with_a_deployment_are_told_of_it(models):
    models.note(body_of("younger", "c", deployment="older"))
    models.note(body_of("elsewhere", "c", deployment="older", namespace="shop"))
    assert models.serving("ml", "older") == [("ml", "older"), ("ml", "younger")]
    assert models.serving("shop", "older") == [("shop", "elsewhere")]
    assert models.serving("ml", "unknown") == []


@pytest.mark.usefixtures("older")
def test_a_full_list_replaces_what_was_known_and_tells_of_both(models):
    key, entry = entry_of(body_of("new", "c"))
    assert models.replace({key: entry}) == {("ml", "older"), ("ml", "new")}
    assert models.place("ml", "new") == Place("new", "models")
    assert models.place("ml", "older") is None
    assert models.replace({}) == {("ml", "new")}


def test_a_full_list_is_a_copy(models):
    key, entry = entry_of(body_of("new", "c"))
    entries = {key: entry}
    models.replace(entries)
    models.forget(key)
    assert entries == {key: entry}
