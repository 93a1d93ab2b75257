"""What lies on the claim that holds the versions, and whoever can write there."""

from hack.demo.kube import Json
from hack.demo.world import MODEL, World, is_true

POD = "looker"


class Volume:
    """A pod that has mounted the claim, as anybody may make one who can make pods in the namespace."""

    def __init__(self, world: World) -> None:
        self.kube = world.kube
        self.kube.create(_pod(self.kube.get("Pod", "client")))
        self.kube.until("Pod", POD, "Ready", is_true("Ready"), within=60)

    def names(self, folder: str) -> set[str]:
        """What a folder of the model holds."""
        return set(self.run("ls", f"/store/{MODEL}/{folder}").split())

    def run(self, *command: str) -> str:
        """Run a program beside the claim, which is mounted at /store."""
        return self.kube.kubectl("exec", POD, "--", *command)


def _pod(like: Json) -> Json:
    container = {key: like["spec"]["containers"][0][key] for key in ("image", "imagePullPolicy", "command", "securityContext")}
    spec = {
        **{key: like["spec"][key] for key in ("automountServiceAccountToken", "securityContext", "terminationGracePeriodSeconds")},
        "containers": [container | {"name": POD, "volumeMounts": [{"name": "store", "mountPath": "/store"}]}],
        "volumes": [{"name": "store", "persistentVolumeClaim": {"claimName": "models"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec}
