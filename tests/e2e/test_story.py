"""The demo's own chapters, in their order, in one world: each goes on where the one before has ended."""

from collections.abc import Callable

import pytest

from hack.demo.data import from_clinc150
from hack.demo.story import CHAPTERS, better_model, degraded_model, first_model
from hack.demo.world import World


@pytest.fixture(scope="module")
def told(new_world: Callable[[], World]) -> World:
    return new_world()


@pytest.mark.parametrize("chapter", [pytest.param(chapter, id=title) for title, chapter in CHAPTERS])
def test_the_story_of_one_model(told: World, chapter: Callable[[World], None]) -> None:
    chapter(told)


def test_on_15000_real_rows_the_first_better_and_worse_models_are_judged_rightly(new_world, clinc150, tmp_path) -> None:
    world = new_world(from_clinc150(clinc150, tmp_path))
    for chapter in (first_model, better_model, degraded_model):
        chapter(world)
