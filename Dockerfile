# Three images from one file: operator (also the command line), measure, and trainer (also the model server).
#
#   docker build --target operator --tag modelsafeguard/operator .
#
# The wheels of requirements/*.txt must lie in build/wheels first: `make images` sees to that. Nothing is fetched while building,
# and the digests in requirements/ are checked. No feature of BuildKit is needed.
#
# BASE_IMAGE is any Debian with python3 (3.11 or newer) and its venv module. For a release pin it by digest, so that the same
# commit gives the same image: `docker pull` the image, take the digest from `docker inspect --format '{{.RepoDigests}}'`, and
# pass --build-arg BASE_IMAGE=python@sha256:…
ARG BASE_IMAGE=python:3.11-slim-bookworm

# One virtual environment and one source folder for each image. The same base as below: a virtual environment belongs to its Python.
FROM ${BASE_IMAGE} AS builder
ENV PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python3 -m venv pip
COPY build/wheels wheels
COPY requirements requirements
# Without pip, and without console scripts, which would name the folder of this stage: programs are started by `python -m`.
RUN set -eu; \
    for image in operator measure trainer; do \
        python3 -m venv --without-pip "$image/venv"; \
        pip/bin/pip --python "$image/venv/bin/python" install --quiet --no-index --find-links=wheels --require-hashes --no-compile \
            --requirement "requirements/$image.txt"; \
        find "$image/venv/bin" -type f -delete; \
    done
COPY operator/modelsafeguard source/modelsafeguard
COPY trainer source/trainer
# Each image gets what its layer may import (docs/architecture.md), and no more. Bytecode is made here, because at run time the
# root is read-only; it is tied to its source by no time stamp, and all files get the same one.
ARG SOURCE_DATE_EPOCH=0
RUN set -eu; \
    mkdir -p operator/app measure/app/modelsafeguard trainer/app/modelsafeguard; \
    cp -r source/modelsafeguard operator/app/; \
    rm -r operator/app/modelsafeguard/measure; \
    cp -r source/modelsafeguard/__init__.py source/modelsafeguard/core source/modelsafeguard/api source/modelsafeguard/measure measure/app/modelsafeguard/; \
    cp -r source/modelsafeguard/__init__.py source/modelsafeguard/core trainer/app/modelsafeguard/; \
    cp -r source/trainer trainer/app/; \
    for image in operator measure trainer; do \
        python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$image" -p /opt "$image/venv/lib" "$image/app"; \
        find "$image" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +; \
    done

FROM ${BASE_IMAGE} AS runtime
# A base image's own pip would be a way to bring code in.
RUN if python3 -c 'import pip' 2>/dev/null; then python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip setuptools wheel; fi
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/app \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM runtime AS operator
LABEL org.opencontainers.image.title="Model Safeguard: operator" \
      org.opencontainers.image.description="Lets a newly trained model replace the live one only when it has earned it."
COPY --from=builder /build/operator /opt
ENTRYPOINT ["python", "-m", "modelsafeguard.engine"]

FROM runtime AS measure
LABEL org.opencontainers.image.title="Model Safeguard: measure" \
      org.opencontainers.image.description="The training Job's second container: checks, measures and publishes a candidate."
COPY --from=builder /build/measure /opt
ENTRYPOINT ["python", "-m", "modelsafeguard.measure"]

FROM runtime AS trainer
LABEL org.opencontainers.image.title="Model Safeguard: trainer" \
      org.opencontainers.image.description="The reference trainer (python -m trainer) and model server (python -m trainer.server)."
COPY --from=builder /build/trainer /opt
ENTRYPOINT ["python", "-m", "trainer"]
