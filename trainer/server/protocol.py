"""The bodies of the Open Inference Protocol V2 for one model: texts in, a label and a score for each out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_TEXTS = 1000
INPUT = {"name": "text", "datatype": "BYTES", "shape": [-1]}
OUTPUTS = ({"name": "label", "datatype": "BYTES", "shape": [-1]}, {"name": "score", "datatype": "FP64", "shape": [-1]})
_OUTPUT_NAMES = tuple(str(output["name"]) for output in OUTPUTS)


class ProtocolError(Exception):
    """A request that cannot be answered: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class InferRequest:
    """A checked request: the texts, the outputs wanted, and the caller's own id, None if there is none."""

    texts: list[str]
    outputs: tuple[str, ...]
    id: str | None


def parse_infer(body: bytes) -> InferRequest:
    """The request in a JSON body. Raises :class:`ProtocolError` 400 with what is wrong with it."""
    try:
        document = json.loads(body)
        # Half a surrogate pair, which JSON can spell and UTF-8 cannot, would surface much later, when an answer is written.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ProtocolError(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise ProtocolError(400, "The body must be a JSON object with the list inputs.")
    request_id = document.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise ProtocolError(400, "The id must be a string.")
    return InferRequest(_texts(document.get("inputs")), _wanted(document.get("outputs")), request_id)


def _texts(inputs: object) -> list[str]:
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise ProtocolError(400, "The list inputs must hold exactly one tensor: the texts.")
    tensor = inputs[0]
    if tensor.get("datatype") != "BYTES":
        raise ProtocolError(400, f"The input's datatype must be BYTES, not {json.dumps(tensor.get('datatype'))}.")
    data = tensor.get("data")
    if not isinstance(data, list) or not data:
        raise ProtocolError(400, "The input's data must be a list of at least one text.")
    if len(data) > MOST_TEXTS:
        raise ProtocolError(400, f"The input holds {len(data)} texts; send at most {MOST_TEXTS} at once.")
    # The protocol allows a tensor's data nested by its shape as well as flat.
    texts = [item[0] if isinstance(item, list) and len(item) == 1 else item for item in data]
    if not all(isinstance(text, str) for text in texts):
        raise ProtocolError(400, "The input's data must hold nothing but strings.")
    if tensor.get("shape") not in ([len(texts)], [len(texts), 1]):
        raise ProtocolError(400, f"The input's shape must be [{len(texts)}] or [{len(texts)}, 1], as its data hold {len(texts)} texts.")
    return texts


def _wanted(outputs: object) -> tuple[str, ...]:
    if outputs is None:
        return _OUTPUT_NAMES
    names = [output.get("name") if isinstance(output, dict) else None for output in outputs] if isinstance(outputs, list) else [None]
    if not names or not all(name in _OUTPUT_NAMES for name in names):
        raise ProtocolError(400, f"The list outputs may name only {' and '.join(_OUTPUT_NAMES)}.")
    return tuple(str(name) for name in names)


def infer_response(request: InferRequest, answers: Sequence[tuple[str, float]], *, model_name: str, version: str) -> dict[str, Any]:
    """The answer's JSON object. ``answers`` holds a label and a score for each text, in their order."""
    columns: dict[str, list[Any]] = {"label": [label for label, _ in answers], "score": [score for _, score in answers]}
    wanted = (output for output in OUTPUTS if output["name"] in request.outputs)
    outputs = [output | {"shape": [len(answers)], "data": columns[str(output["name"])]} for output in wanted]
    response: dict[str, Any] = {"model_name": model_name, "model_version": version, "outputs": outputs}
    return response if request.id is None else response | {"id": request.id}
