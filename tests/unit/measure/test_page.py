"""The page beside a report: what a person reads on it, that it fetches nothing, and that no text of a trainer's becomes markup."""

from decimal import Decimal
from html.parser import HTMLParser

import pytest
from sklearn.metrics import accuracy_score, f1_score

from modelsafeguard.measure.page import MOST_SLICES, Plot
from tests.support.storage import METRICS, ROWS

LIVE = [("1", "yes", "yes"), ("2", "yes", "yes"), ("3", "no", "no"), ("4", "no", "no")]
HOSTILE = '<script>alert("x")</script>'
# Elements that have no end.
VOID = {"meta", "line", "circle", "br"}


class Page(HTMLParser):
    """A page's elements, its text by element, and whether its elements are nested as they should be."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(markup)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self._open[-1] != "style":
            self.texts.append((self._open[-1], " ".join(data.split())))

    def under(self, tag):
        return [text for where, text in self.texts if where == tag]


def numbers(rows):
    """What a trainer writes of such answers."""
    labels, answers = [row[1] for row in rows], [row[2] for row in rows]
    means = {f"f1_{mean}": f1_score(labels, answers, average=mean, zero_division=0) for mean in ("macro", "weighted")}
    return METRICS | {"accuracy": accuracy_score(labels, answers), **means}


@pytest.fixture
def shown(world):
    """The page of a candidate that lost one of four rows, beside the live version that had them all right."""

    def make(rows=ROWS, live=LIVE, text="is it <b>so</b>?", columns=("id", "label", "predicted"), **judged):
        world.trained("v-1", "pod-1", metrics=numbers(live), rows=live)
        world.publish("v-1", "pod-1")
        folder = world.trained(metrics=numbers(rows), rows=rows, columns=columns)
        (folder / "holdout.csv").write_text("id,text\n" + "".join(f'{row[0]},"{text}"\n' for row in rows))
        world.publish(live="v-1", **judged)
        return (world.store / "reports" / "v-2.html").read_text()

    return make


def test_the_verdict_comes_first_and_then_the_sentence_with_the_numbers(shown):
    page = Page(shown())
    assert page.under("h1") == ["Rejected"]
    first = page.texts.index(("h1", "Rejected"))
    assert page.texts[first + 1] == ("p", "Performance degraded: accuracy -0.2500, F1 -0.2667")


@pytest.mark.parametrize(
    ("rows", "margins", "verdict"),
    [
        pytest.param(ROWS, {"accuracy": "0.3"}, "Accepted, to be Promoted", id="within a large tolerance"),
        pytest.param(ROWS, {"accuracy": "0.01"}, "Rejected", id="outside of a small one"),
    ],
)
def test_it_is_the_verdict_of_the_policy_that_the_request_is_judged_by(shown, rows, margins, verdict):
    assert Page(shown(rows, margins=margins)).under("h1") == [verdict]


def test_every_metric_gate_and_slice_has_its_row_with_its_numbers(shown, world):
    page = Page(shown())
    assert {"accuracy", "F1", "NonInferior", "NoSliceRegressed", "label: yes"} <= set(page.under("th"))
    assert {"0.7500", "-0.2500", "-0.01"} <= set(page.under("td"))
    assert sum(text in {"Enforce", "Warn"} for text in page.under("td")) == len(world.report()["judgement"]["findings"])


def test_each_interval_is_drawn_and_said_in_words(shown):
    drawings = [value for tag, name, value in Page(shown()).attributes if (tag, name) == ("svg", "aria-label")]
    assert [drawing.split(":")[0] for drawing in drawings] == ["accuracy", "F1"]
    assert "change -0.2500, 95 % interval -0.7500 to +0.0000" in drawings[0]
    assert drawings[0].endswith("accepted from -0.01")


def test_rows_that_changed_sides_are_shown_with_their_text(shown):
    page = Page(shown())
    assert "is it <b>so</b>?" in page.under("td")
    assert "Right before, wrong now; the classes that lost most come first" in page.under("caption")


def test_it_fetches_nothing_and_runs_nothing(shown):
    page = Page(shown())
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name in {"src", "href"} or name.startswith("on")]
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_what_a_trainer_writes_never_becomes_markup(shown):
    rows = [("1", HOSTILE, HOSTILE, HOSTILE), ("2", HOSTILE, "no", HOSTILE), ("3", "no", "no", "web"), ("4", "no", "no", "web")]
    live = [(*row[:2], row[1]) for row in rows]
    markup = shown(rows, live, "&lt;i&gt; <img src=x>", ("id", "label", "predicted", "channel"))
    page = Page(markup)
    assert not {"script", "img", "i"} & set(page.tags)
    assert f"channel: {HOSTILE}" in page.under("th")


def test_the_first_model_has_nothing_to_be_compared_with_and_the_page_says_so(world):
    world.trained()
    world.publish()
    page = Page((world.store / "reports" / "v-2.html").read_text())
    assert "No previous model to compare against" in page.under("p")
    assert {"No slice was compared.", "Not compared.", "None are known."} <= set(page.under("p"))


def test_without_predictions_it_is_still_a_page(world):
    world.trained(rows=None)
    world.publish()
    assert "not known" in Page((world.store / "reports" / "v-2.html").read_text()).under("dd")


def test_what_there_is_too_much_of_is_counted(shown):
    rows = [(str(row), f"l{row}", "l0") for row in range(MOST_SLICES + 6)]
    page = Page(shown(rows, [(number, label, label) for number, label, _ in rows]))
    assert "and 5 more slices, in v-2.json beside this page" in page.under("p")
    assert sum(text.startswith("label: ") for text in page.under("th")) == MOST_SLICES


@pytest.mark.parametrize(
    ("interval", "ordered"),
    [
        pytest.param(("-0.03", "-0.02", "-0.015", "-0.01"), ["lower", "delta", "upper", "threshold", "zero"], id="all below the threshold"),
        pytest.param(("0.01", "0.02", "0.03", "0.005"), ["zero", "threshold", "lower", "delta", "upper"], id="a gain that was required"),
    ],
)
def test_a_plot_holds_the_interval_the_threshold_and_zero_in_their_order(interval, ordered):
    plot = Plot.of(*map(Decimal, interval))
    assert sorted(ordered, key=lambda name: getattr(plot, name)) == ordered
    assert all(0 < getattr(plot, name) < 600 for name in ordered)
