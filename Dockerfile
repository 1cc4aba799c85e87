# syntax=docker/dockerfile:1
# The server of a bundle, without torch:
#   docker build --tag mibsk .
#   docker run --publish 8000:8000 --env MIBSK_TOKEN --volume "$PWD/exports:/bundle:ro" mibsk
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mibsk mibsk
RUN python -m venv /opt/mibsk \
    && /opt/mibsk/bin/pip install --no-cache-dir --constraint constraints.txt '.[onnx,serve,search]'

FROM python:${PYTHON}-slim
COPY --from=build /opt/mibsk /opt/mibsk
RUN useradd --create-home --uid 1000 mibsk
USER 1000
WORKDIR /home/mibsk
ENV PATH=/opt/mibsk/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["mibsk", "serve", "--host", "0.0.0.0"]
CMD ["/bundle"]
