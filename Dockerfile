# One image: its command is `desk` (the default), `serve` or `score`.
# Root may be read-only; what is kept lies in the volume /data, what is passing in /tmp.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/durhampulse
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
RUN /opt/durhampulse/bin/pip install --no-cache-dir --constraint constraints.txt "durhampulse[oidc,otel] @ file://$(echo /wheels/*.whl)"

FROM python:3.13-slim
COPY --from=build /opt/durhampulse /opt/durhampulse
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data durhampulse && install --directory --owner=10001 --group=10001 --mode=0700 /data
ENV PATH=/opt/durhampulse/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DURHAMPULSE_HOST=0.0.0.0 DURHAMPULSE_LOG_FORMAT=json DURHAMPULSE_LOG_LEVEL=info
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["durhampulse", "health"]
ENTRYPOINT ["durhampulse"]
CMD ["desk"]
