# The book in a container, for macOS and Windows, on x86_64 and aarch64.
#
#   docker build --tag gluonbook .
#   docker run --rm --interactive --tty --shm-size=1g --publish 127.0.0.1:8888:8888 gluonbook    # make lab
#   docker run --name book --shm-size=1g gluonbook make book && docker cp book:/book/_build/html site  # the pages
#
# The steps are those of a fresh Debian: its Python, make, and `make setup`. Ranks of a distributed run talk through
# /dev/shm, of which a container has 64 MB unless it is told otherwise.
FROM debian:bookworm-slim AS machine
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home reader \
    && install --directory --owner reader /book
USER reader
WORKDIR /book

FROM machine AS book
COPY --chown=reader . .
RUN make setup
# JupyterLab listens on the container's own address, which `--publish` hands on to this machine alone.
USER root
RUN mkdir -p /etc/jupyter \
    && printf '{"ServerApp": {"ip": "0.0.0.0", "open_browser": false}}\n' >/etc/jupyter/jupyter_server_config.json
USER reader
EXPOSE 8888
CMD ["make", "lab"]
