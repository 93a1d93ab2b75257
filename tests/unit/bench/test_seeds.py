import kopf

from bench.seeds import handled
from tests.support.objects import merged, retrain_request


def test_a_seeded_request_is_one_that_a_bare_handler_has_handled() -> None:
    created = merged(retrain_request("done-1"), {"metadata": {"uid": "1", "namespace": "in-use"}})
    seen = kopf.Body(merged(merged(created, handled(created)), {"status": {"verdict": "Rejected"}}))
    storage = kopf.AnnotationsDiffBaseStorage()
    assert storage.fetch(body=seen) == storage.build(body=seen)
