import json

import pytest

from trainer.server.protocol import ProtocolError, infer_response, parse_infer


def body(data=("hello",), **changes):
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(data)], "data": list(data)} | changes.pop("tensor", {})
    return json.dumps({"inputs": [tensor]} | changes).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(body(["one", "two"]), id="a flat list"),
        pytest.param(body(["one", "two"], tensor={"shape": [2, 1]}), id="a column given flat"),
        pytest.param(body([["one"], ["two"]], tensor={"shape": [2, 1]}), id="a column given nested"),
        pytest.param(
            body(["one", "two"], parameters={"x": 1}, tensor={"name": "anything", "parameters": {}}),
            id="with parameters, which are ignored",
        ),
    ],
)
def test_texts_are_read_in_every_form_that_the_protocol_allows(content):
    assert parse_infer(content).texts == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "not valid JSON", id="nothing"),
        pytest.param(b"{", "not valid JSON", id="half of JSON"),
        pytest.param(b"\xff\xfe", "not valid JSON in UTF-8", id="bytes that are no text"),
        pytest.param(b"[" * 100_000, "not valid JSON", id="nesting without end"),
        pytest.param(body(["\ud800"]), "not valid JSON in UTF-8", id="half of a surrogate pair"),
        pytest.param(b"[]", "must be a JSON object", id="a list"),
        pytest.param(b"{}", "exactly one tensor", id="no inputs"),
        pytest.param(b'{"inputs": {}}', "exactly one tensor", id="inputs that are no list"),
        pytest.param(b'{"inputs": [{}, {}]}', "exactly one tensor", id="two inputs"),
        pytest.param(b'{"inputs": [7]}', "exactly one tensor", id="an input that is no object"),
        pytest.param(body(tensor={"datatype": "FP32"}), 'must be BYTES, not "FP32"', id="numbers for texts"),
        pytest.param(body([]), "at least one text", id="no texts"),
        pytest.param(body(tensor={"data": "hello"}), "must be a list", id="a text that is not in a list"),
        pytest.param(body([7]), "nothing but strings", id="a number"),
        pytest.param(body([["a", "b"]]), "nothing but strings", id="two texts in one row"),
        pytest.param(body(["x"] * 1001), "1001 texts; send at most 1000", id="too many texts"),
        pytest.param(body(tensor={"shape": [2]}), r"shape must be \[1\]", id="a shape that is not the data's"),
        pytest.param(body(tensor={"shape": None}), r"shape must be \[1\]", id="no shape"),
        pytest.param(body(id=7), "id must be a string", id="a number for an id"),
        pytest.param(body(outputs=[{"name": "secret"}]), "may name only label and score", id="an output that there is not"),
        pytest.param(body(outputs=[]), "may name only label and score", id="no outputs wanted"),
        pytest.param(body(outputs="label"), "may name only label and score", id="outputs that are no list"),
    ],
)
def test_a_request_that_cannot_be_answered_is_a_400_with_the_reason(content, complaint):
    with pytest.raises(ProtocolError, match=complaint) as refused:
        parse_infer(content)
    assert refused.value.status == 400


def test_the_answer_holds_label_and_score_of_each_text_and_the_callers_id():
    answer = infer_response(parse_infer(body(["a", "b"], id="42")), [("x", 0.5), ("y", -0.1)], model_name="intents", version="v1")
    assert answer == {
        "model_name": "intents",
        "model_version": "v1",
        "id": "42",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["x", "y"]},
            {"name": "score", "datatype": "FP64", "shape": [2], "data": [0.5, -0.1]},
        ],
    }


def test_only_the_outputs_asked_for_are_answered():
    request = parse_infer(body(outputs=[{"name": "score"}]))
    answer = infer_response(request, [("x", 0.5)], model_name="intents", version="v1")
    assert [output["name"] for output in answer["outputs"]] == ["score"]
    assert "id" not in answer
