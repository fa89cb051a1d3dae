FROM python:3.12-slim AS build

# For an NVIDIA GPU: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130, and run with --gpus all.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN python -m venv /opt/mockingbird
ENV PATH=/opt/mockingbird/bin:$PATH
WORKDIR /src

# The largest part first, in a layer that changes to the code leave alone.
COPY constraints.txt ./
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" --no-deps --constraint constraints.txt torch

COPY LICENSE README.md pyproject.toml ./
COPY bot bot
COPY trainer trainer
RUN pip install --no-cache-dir --constraint constraints.txt .


FROM python:3.12-slim

RUN useradd --create-home --uid 10001 mockingbird && install --directory --owner mockingbird /data
COPY --from=build /opt/mockingbird /opt/mockingbird

# Base models from the hub are kept in the volume too, so that a new container does not fetch them again.
ENV PATH=/opt/mockingbird/bin:$PATH \
    MOCKINGBIRD_STORAGE__DATA=/data \
    HF_HOME=/data/cache/huggingface

USER mockingbird
WORKDIR /data
VOLUME /data
ENTRYPOINT ["mockingbird"]
CMD ["run"]
