from tests.support import local_kube

kube = local_kube.kube
