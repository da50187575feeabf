# One image for every process; docker-compose.yml says which command each of them runs.
FROM python:3.11-slim AS packages
RUN python -m venv /packages
ENV PATH=/packages/bin:$PATH
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

FROM python:3.11-slim
ENV PATH=/packages/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VAR_DIR=/var/tradingbot
RUN useradd --system --create-home --uid 10001 tradingbot \
    && install -d -o tradingbot -g tradingbot /var/tradingbot
COPY --from=packages /packages /packages
WORKDIR /platform
COPY . .
USER tradingbot
EXPOSE 8000
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "tradingbot.asgi:application"]
