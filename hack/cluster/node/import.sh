#!/bin/sh
# Runs inside the node's root file system, in mount and process namespaces of its own: a containerd that lives just long enough
# to take the images in. Its mounts and processes go with the namespaces.
set -eu
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
echo 'disabled_plugins = ["io.containerd.grpc.v1.cri"]' > /tmp/config.toml
containerd --config /tmp/config.toml --log-level warn &
containerd=$!
until ctr version > /dev/null 2>&1; do
  kill -0 "$containerd"
  sleep 0.1
done
ctr --namespace k8s.io images import --no-unpack --all-platforms /images.tar
ctr oci spec > /etc/containerd/cri-base.json
kill "$containerd"
wait "$containerd" || true
