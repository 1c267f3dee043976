# Images for a JupyterHub that starts one container a person (DockerSpawner, KubeSpawner).
#
#     docker build --target student    --tag cnn-course:student    .
#     docker build --target instructor --tag cnn-course:instructor .
#
# Both hold the course's library, the data set, JupyterLab and nbgrader. The instructor's
# also holds the sandbox, the assignments with their answers and the hidden checks: start
# it for instructors only. Without --target the student's is built.
#
# nbgrader's exchange is /srv/nbgrader/exchange: mount one volume there in all containers,
# mode 1777, and start each person's server under a user id of their own. The exchange
# knows people by the owners of files; under one shared id all could read all.
#
# Grading starts bubblewrap, which makes namespaces. Where the container may not, allow it
# (Docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined); what
# is missing is said by `python -m autograder doctor` inside.

FROM python:3.11-slim-bookworm AS wheel
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt hatchling \
 && python -m hatchling build -t wheel -d /wheel


FROM python:3.11-slim-bookworm AS common
# The packages' versions are Debian's; apt keeps no older ones that could be named here.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends dataset-fashion-mnist git \
 && rm -rf /var/lib/apt/lists/*

# A smaller torch, without CUDA: --build-arg TORCH_INDEX=…, the address that PyTorch's
# "Get started" page gives for pip and CPU.
ARG TORCH_INDEX=""
# The same release as the hub's.
ARG JUPYTERHUB=6.1.1
ARG NBGITPULLER=1.3.0
RUN --mount=type=bind,source=constraints.txt,target=/tmp/constraints.txt \
    --mount=type=bind,from=wheel,source=/wheel,target=/tmp/wheel \
    PIP_EXTRA_INDEX_URL="${TORCH_INDEX}" pip install --no-cache-dir \
        --constraint /tmp/constraints.txt \
        "$(echo /tmp/wheel/*.whl)[lab,grade]" \
        "jupyterhub==${JUPYTERHUB}" "nbgitpuller==${NBGITPULLER}" \
 # Chapters are MyST files: open them as notebooks.
 && JUPYTER_CONFIG_DIR=/usr/local/etc/jupyter jupytext-config set-default-viewer

RUN useradd --uid 1000 --create-home --shell /bin/bash jovyan \
 && install -d -m 1777 /srv/nbgrader/exchange \
 && install -d /etc/jupyter \
 && printf '%s\n' \
        'c = get_config()' \
        'c.Exchange.root = "/srv/nbgrader/exchange"' \
        'c.CourseDirectory.course_id = "cnn"' \
        > /etc/jupyter/nbgrader_config.py
WORKDIR /home/jovyan
EXPOSE 8888
CMD ["jupyterhub-singleuser", "--ServerApp.default_url=/lab"]


FROM common AS instructor
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap libseccomp2 \
 && rm -rf /var/lib/apt/lists/*
COPY autograder/assignments /srv/course/assignments
COPY autograder/checks /srv/course/checks
ENV AUTOGRADER_ASSIGNMENTS=/srv/course/assignments \
    AUTOGRADER_CHECKS=/srv/course/checks
USER 1000


FROM common AS student
USER 1000
