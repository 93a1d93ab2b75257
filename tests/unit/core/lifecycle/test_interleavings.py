"""Whatever comes in whatever order, with two operators that are slow, stale, and killed between any two of their effects."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modelsafeguard.core.cluster import JobState
from modelsafeguard.core.contract import version_path
from modelsafeguard.core.lifecycle.outcomes import EVENT_REASONS
from modelsafeguard.core.model import ModelSpec, OnDrift, Serving, ServingState, Storage, Trainer
from modelsafeguard.core.policy import MetricRule, Policy, Promotion
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.support.objects import report
from tests.unit.core.lifecycle.operators import Operator
from tests.unit.core.lifecycle.world import FOUND, World

ELSEWHERE = ServingState("by-hand/v9", "v9", "", "v9")
SPEC = ModelSpec(
    serving=Serving("intents", "server", "model", progress_deadline_seconds=300, bake_seconds=60),
    storage=Storage("models", "intents"),
    trainer=Trainer("trainer", active_deadline_seconds=3600),
    policy=Policy((MetricRule("accuracy", Decimal("0.01")),)),
)
BUSY = {Stage.TRAINING, Stage.JUDGING, Stage.ROLLING_OUT}
LONG = timedelta(days=30)
ACCURACIES = st.sampled_from(["0.5", "0.8", "0.9"])


class Watched(World):
    """A world that calls when something happens in it."""

    def __init__(self, spec: ModelSpec, call: Callable[[], None]) -> None:
        super().__init__(spec)
        self.happened = call  # type: ignore[method-assign]


class Interleavings(RuleBasedStateMachine):
    """Rules are what happens; invariants hold after each of them; in the end all that waits comes to an end by the clock alone."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Watched(SPEC, self.something_happened)
        self.attentive = False
        self.operators = (Operator(self.world), Operator(self.world))
        self.foreign = {FOUND, ServingState()}
        self.known: dict[str, str] = {}

    @initialize(on_drift=st.sampled_from(OnDrift), promotion=st.sampled_from(Promotion), live=st.booleans(), attentive=st.booleans())
    def begin(self, on_drift, promotion, live, attentive):
        if live:
            self.a_model_goes_live()
        spec = replace(SPEC, serving=replace(SPEC.serving, on_drift=on_drift), policy=replace(SPEC.policy, promotion=promotion))
        self.world.edit_model(spec)
        if promotion is Promotion.MANUAL:
            self.a_candidate_waits_for_a_person()
        self.attentive = attentive

    def a_model_goes_live(self):
        self.attentive = True
        self.a_request_is_made()
        for _ in range(3):
            self.one_thing_goes_on("0.8")
        assert self.world.model.status.live

    def a_candidate_waits_for_a_person(self):
        """Left to chance it hardly ever comes to that."""
        self.attentive = True
        self.a_request_is_made()
        self.one_thing_goes_on("0.9")
        assert {request.status.stage for request in self.world.requests.values()} >= {Stage.AWAITING_APPROVAL}

    def something_happened(self):
        if self.attentive:
            self.attend(0)

    # The operators --------------------------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 1))
    def an_operator_reads_the_record(self, which):
        self.operators[which].read_record()

    @rule(which=st.integers(0, 1))
    def an_operator_reads_the_rest(self, which):
        self.operators[which].read_rest()

    @rule(which=st.integers(0, 1), times=st.integers(1, 8))
    def an_operator_works(self, which, times):
        for _ in range(times):
            self.operators[which].work()

    @rule(which=st.integers(0, 1))
    def an_operator_works_until_it_rests(self, which):
        self.rest(self.operators[which])

    @rule(which=st.integers(0, 1))
    def attend(self, which):
        """An operator is woken, and works until it rests."""
        self.operators[which].look()
        self.rest(self.operators[which])

    @rule(which=st.integers(0, 1))
    def an_operator_is_killed(self, which):
        self.operators[which].kill()

    @rule(attentive=st.booleans())
    def the_first_operator_sees_everything_at_once_or_not(self, attentive):
        self.attentive = attentive

    # Everybody else -------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.known) < 4)
    @rule()
    def a_request_is_made(self):
        name = f"r{len(self.known)}"
        self.world.ask(name)
        self.known[name] = self.world.requests[name].meta.uid

    @precondition(lambda self: self.world.requests)
    @rule(data=st.data())
    def a_request_is_cancelled(self, data):
        self.world.cancel(self.some_request(data))

    @precondition(lambda self: self.world.requests)
    @rule(data=st.data())
    def a_request_is_approved(self, data):
        self.world.approve(self.some_request(data))

    @precondition(lambda self: self.world.requests)
    @rule(data=st.data())
    def a_request_is_deleted(self, data):
        self.world.delete_request(self.some_request(data))

    @rule(seconds=st.sampled_from([1, 5, 60, 301, 3601]))
    def time_passes(self, seconds):
        self.world.clock_passes(seconds)

    @rule(accuracy=ACCURACIES, times=st.integers(1, 3))
    def things_go_on(self, accuracy, times):
        """What everybody waits for: Jobs complete, or pods become ready, or the bake is over."""
        for _ in range(times):
            self.one_thing_goes_on(accuracy)

    def one_thing_goes_on(self, accuracy):
        active = self.jobs_at_work()
        rollout = self.world.model.status.rollout
        if active:
            self.complete(active[0], accuracy, lost=False)
        elif rollout and self.world.deployment and self.world.deployment.observed_generation < self.world.deployment.generation:
            self.world.pods_become_ready()
        else:
            self.world.clock_passes(60)

    @precondition(lambda self: self.jobs_at_work())
    @rule(data=st.data(), accuracy=ACCURACIES, lost=st.booleans())
    def a_job_completes(self, data, accuracy, lost):
        self.complete(self.some_job(data), accuracy, lost=lost)

    def complete(self, name, accuracy, *, lost):
        for request in self.world.requests:
            if name.removesuffix("-r") == self.world.version(request):
                made = report(self.world.version(request), accuracy=accuracy)
                return self.world.delivered(request, name, "" if lost else made)
        return self.world.job_completes(name, "")

    @precondition(lambda self: self.jobs_at_work())
    @rule(data=st.data())
    def a_job_fails(self, data):
        self.world.trainer_ends(self.some_job(data), 1)

    @precondition(lambda self: self.jobs_at_work())
    @rule(data=st.data())
    def a_job_is_deleted(self, data):
        self.world.delete_job(self.some_job(data))

    @rule()
    def the_deployment_rolls(self):
        self.world.pods_become_ready()

    @precondition(lambda self: self.world.deployment and self.world.model.status.rollout)
    @rule()
    def the_deployment_cannot_roll(self):
        self.world.pods_fail("CrashLoopBackOff")

    @precondition(lambda self: self.world.serving_pods and self.world.model.status.rollout)
    @rule()
    def a_pod_restarts(self):
        self.world.change_pod(restarts=self.world.serving_pods[0].restarts + 1)

    @precondition(lambda self: self.world.deployment)
    @rule(change=st.sampled_from([{"paused": True}, {"paused": False}, {"replicas": 0}, {"replicas": 2}]))
    def the_deployment_is_edited(self, change):
        self.world.edit_deployment(**change)

    @precondition(lambda self: self.world.deployment)
    @rule(serving=st.sampled_from([FOUND, ELSEWHERE]), manager=st.sampled_from(["", "argocd"]))
    def somebody_serves_something_else(self, serving, manager):
        self.foreign.add(serving)
        self.world.serve_by_hand(serving, manager=manager)

    @rule()
    def the_deployment_is_deleted_or_made(self):
        if self.world.deployment:
            self.world.delete_deployment()
        else:
            self.world.make_deployment()

    @rule(suspended=st.booleans())
    def the_model_is_suspended_or_not(self, suspended):
        self.world.suspend(suspended)

    @rule(text=st.sampled_from(["0.6", "0.9", "NaN", ""]))
    def somebody_annotates_the_model(self, text):
        self.world.annotate_model(accuracy=text)

    @rule(data=st.data())
    def a_version_is_pinned_or_none(self, data):
        status = self.world.model.status
        versions = [each.version for each in (*status.versions, *status.awaiting_approval)]
        self.world.pin(data.draw(st.sampled_from([None, *versions])))

    @rule(name=st.sampled_from(["", "alice", "bob"]))
    def somebody_signs_for_other_numbers(self, name):
        self.world.annotate_model(rebased_by=name)

    @rule()
    def the_claim_is_deleted_or_made(self):
        if self.world.claim:
            self.world.delete_claim()
        else:
            self.world.set_claim()

    @rule()
    def everything_is_mended(self):
        world, live = self.world, self.world.model.status.live
        if world.claim is None:
            world.set_claim()
        if world.deployment is None:
            world.make_deployment()
        world.edit_deployment(paused=False, replicas=2, other_managers=())
        if live and world.model.status.rollout is None:
            world.serve_by_hand(live.serving)
            world.annotate_model(**{name: str(number) for name, number in live.metrics.items()})
        world.suspend(False)

    # What always holds ----------------------------------------------------------------------------------------------------------

    @invariant()
    def a_request_has_one_training_job_ever(self):
        """A second one if a person deleted the first before it was recorded, or the other operator did between two calls of this one."""
        known = self.world.history.jobs_lost.union(*(operator.jobs_made_anew for operator in self.operators))
        assert {name for name, made in self.world.history.jobs_made.items() if made > 1} <= known

    @invariant()
    def a_request_or_a_pin_is_rolled_out_at_most_once(self):
        assert all(number == 1 for number in self.world.history.intents.values())

    @invariant()
    def only_one_request_is_at_work(self):
        assert sum(request.status.verdict is None and request.status.stage in BUSY for request in self.world.requests.values()) <= 1

    @invariant()
    def only_published_versions_and_what_others_set_are_served(self):
        if self.world.deployment and self.world.deployment.serving not in self.foreign:
            serving = self.world.deployment.serving
            assert serving.version in self.world.history.published
            assert serving.sub_path == version_path("intents", serving.version)

    @invariant()
    def an_ending_is_told_as_it_is(self):
        """At most one, and only the one that the verdict will be."""
        for uid in self.known.values():
            told = [reason for about, reason, key in self.world.history.events if about == uid and key == "verdict"]
            assert len(told) <= 1
            if told and (verdict := self.world.history.verdicts.get(uid)):
                assert told == [EVENT_REASONS[verdict]]

    @invariant()
    def what_is_live_was_promoted_or_pinned(self):
        status = self.world.model.status
        if any(reason == "VersionPinned" for _, reason, _ in self.world.history.events):
            return
        if status.live and not status.live.adopted and (verdict := self.world.history.verdicts.get(status.live.request_uid)):
            assert verdict is Verdict.PROMOTED

    # The end --------------------------------------------------------------------------------------------------------------------

    def teardown(self):
        """Nobody does anything any more but the clock and one operator, which was started anew."""
        world, operator = self.world, self.operators[0]
        self.attentive = False
        operator.kill()
        if world.model.spec.suspend:
            world.suspend(False)
        end = world.now + LONG
        operator.look()
        self.rest(operator)
        while operator.timer:
            assert operator.timer > world.now, "it is woken at once, and has nothing to do"
            world.now = max(operator.timer, world.now)
            assert world.now < end, "it never comes to rest"
            operator.look()
            self.rest(operator)
        world.list_leftovers()
        self.check_that_nothing_is_stuck()

    def check_that_nothing_is_stuck(self):
        status = self.world.model.status
        assert (status.active_request, status.rollout, status.prune, status.verification) == (None,) * 4
        assert status.awaiting_approval == ()
        assert set(self.world.history.published) <= {record.version for record in status.versions}, "a version is never pruned"
        for request in self.world.requests.values():
            verdict = request.status.verdict
            assert verdict is not None, f"{request.meta.name} waits for ever: {request.status.stage} {request.status.waiting}"
            assert (request.meta.uid, EVENT_REASONS[verdict], "verdict") in self.world.history.events
            assert {each.type: each.status for each in request.status.conditions}["Finished"] == "True"
            for name in (self.world.version(request.meta.name), f"{self.world.version(request.meta.name)}-r"):
                job = self.world.jobs.get(name)
                assert job is None or job.state is not JobState.ACTIVE
        if self.world.deployment and self.world.deployment.serving not in self.foreign:
            assert status.live
            assert self.world.deployment.serving == status.live.serving

    def rest(self, operator):
        for _ in range(400):
            if operator.resting:
                return
            operator.work()
        raise AssertionError("an operator whose world does not change never comes to rest")

    def some_request(self, data):
        return data.draw(st.sampled_from(sorted(self.world.requests)))

    def some_job(self, data):
        return data.draw(st.sampled_from(sorted(self.jobs_at_work())))

    def jobs_at_work(self):
        return [name for name, job in self.world.jobs.items() if job.state is JobState.ACTIVE]


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=30, stateful_step_count=30, deadline=None, derandomize=True)
