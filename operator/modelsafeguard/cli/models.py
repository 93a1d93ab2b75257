"""The model that a verb is about."""

from modelsafeguard.api import modeldeployment
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.names import MODEL_KIND, MODEL_PLURAL
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.core.model import Model
from modelsafeguard.kube.client import Api
from modelsafeguard.kube.paths import item


async def read_model(api: Api, namespace: str, name: str) -> Model:
    """The ModelDeployment; raises ``UsageError`` where there is none, or none that can be read."""
    body = await api.get(item(MODEL_PLURAL, namespace, name))
    if body is None:
        raise UsageError(f"There is no {MODEL_KIND} {namespace}/{name}.")
    try:
        return modeldeployment.from_body(body)
    except MalformedObject as error:
        raise UsageError(f"{error}.") from error
