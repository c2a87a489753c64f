# The server with the packaged weights, on the CPU: see docs/server.md, "In a container".
#
#     docker build -t ponderling .                    # podman build --format docker: the other format has no health check
#     docker run --rm -p 127.0.0.1:8000:8000 -e PONDERLING_TOKEN --read-only --tmpfs /tmp ponderling
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /source
RUN python -m venv /opt/ponderling \
    && /opt/ponderling/bin/pip install --no-cache-dir torch==2.13.0 --index-url "$TORCH_INDEX"
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/ponderling/bin/pip install --no-cache-dir '.[serve,generate]'

FROM python:${PYTHON}-slim
COPY --from=build /opt/ponderling /opt/ponderling
# One thread: two that share their cores with other work, or with a limit on the CPU, wait for each other most of the time.
ENV OMP_NUM_THREADS=1
# Nothing is written but to /tmp, where numba keeps what it has compiled.
ENV PATH=/opt/ponderling/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/tmp XDG_CACHE_HOME=/tmp NUMBA_CACHE_DIR=/tmp/numba HF_HOME=/tmp/hub
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin ponderling
USER 10001
WORKDIR /tmp
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["ponderling", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["sudoku", "maze"]
