# The page and the API of tintype, in a container that may write nowhere but in /tmp:
#   docker build -t tintype .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8750:8750 tintype
# docs/server.md says more; tests/test_container.py runs these steps.

FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src ./src
RUN python -m venv --without-pip /opt/tintype && python -m pip --python /opt/tintype install -c constraints.txt ".[serve]"

FROM python:3.11-slim
COPY --from=build /opt/tintype /opt/tintype
ENV PATH=/opt/tintype/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
# Uploads: a private folder in here, emptied at start and stop.
VOLUME ["/tmp"]
# Nobody in particular, by number, so that a cluster can see that it is not root.
USER 10001:10001
EXPOSE 8750
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8750, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
# Whoever reaches it must know its token, which it prints at every start: give --token TOKEN to choose it.
ENTRYPOINT ["tintype", "serve", "--host", "0.0.0.0", "--port", "8750"]
