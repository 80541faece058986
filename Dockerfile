# Everything that a training on an NVIDIA GPU needs but the driver, which the host's NVIDIA Container Toolkit
# lends. The checkout is mounted, so that data, cache and results stay outside:
#   docker build --tag shopper-age-gpu .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" --volume "$PWD:/workspace" shopper-age-gpu dvc repro
FROM python:3.12-slim-bookworm

# Versions of system packages are the base image's to settle.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make openssh-client \
    && rm -rf /var/lib/apt/lists/*

# A user without a name in the image needs a home for Keras's weights, and Git refuses another user's checkout.
ENV HOME=/home/runner \
    MLFLOW_DISABLE_TELEMETRY=true \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_VISIBLE_DEVICES=all \
    PYTHONDONTWRITEBYTECODE=1
RUN mkdir --mode=1777 "$HOME" && git config --system --add safe.directory /workspace

WORKDIR /workspace
# The package is installed as a link to src, which the mounted checkout brings.
COPY LICENSE README.md pyproject.toml requirements.txt requirements-gpu.txt requirements.lock ./
COPY src src
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache --constraint requirements.lock --requirement requirements-gpu.txt

USER 1000:1000
CMD ["dvc", "repro"]
