# The mock as a container. Mount a file of rules: docker run -p 3000:3000 -v ./mock.yaml:/mock.yaml IMAGE
FROM python:3.13-slim
WORKDIR /app
COPY pyproject.toml README.rst LICENSE ./
COPY openaimock ./openaimock
# The versions are those of pyproject.toml.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --root-user-action=ignore ".[redis]" && rm -rf /app
RUN useradd --system --uid 10001 --no-create-home openaimock
WORKDIR /
USER 10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/health', timeout=2)"]
# Inside the container the mock listens on all addresses; the port is open to others only where it is published.
ENTRYPOINT ["openaimock", "--host", "0.0.0.0", "--port", "3000"]
CMD ["/mock.yaml"]
