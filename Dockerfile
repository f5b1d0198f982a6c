# The collector as an image: docker build -t hookline .
# Two stages: the first makes an environment from the lock, by hash, and from this checkout's wheel; the second is that environment.

FROM python:3.13.7-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/build && /opt/build/bin/pip install --quiet hatchling==1.33.0
WORKDIR /src
# First what changes seldom.
COPY requirements.lock ./
RUN python -m venv /opt/hookline \
    && /opt/hookline/bin/pip install --quiet --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/hookline/bin/pip install --quiet --no-deps --no-index /tmp/wheel/hookline-*.whl \
    && /opt/hookline/bin/pip uninstall --quiet --yes pip

FROM python:3.13.7-slim-trixie
LABEL org.opencontainers.image.title="hookline" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin hookline \
    && install --directory --owner hookline --group hookline /data
COPY --from=build /opt/hookline /opt/hookline
ENV PATH=/opt/hookline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOOKLINE_HOST=0.0.0.0 HOOKLINE_PORT=4319 HOOKLINE_DATABASE_URL=sqlite:////data/hookline.db HOOKLINE_LOG_FORMAT=json
# Not root, and nothing to write but /data: it also runs with --read-only.
USER hookline
WORKDIR /data
VOLUME /data
EXPOSE 4319
# SIGTERM commits what is queued.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['HOOKLINE_PORT'] + '/readyz', timeout=4)"]
# Bound to every interface of the container, so it refuses to start without HOOKLINE_API_KEY.
CMD ["hookline", "serve"]
