# syntax=docker/dockerfile:1
# The service with its model inside. CPU only unless built with --build-arg GPU=cuda (or vulkan).

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npx tsc -p . --incremental false

FROM node:22-bookworm-slim AS dependencies
ARG GPU=false
WORKDIR /app
COPY package.json package-lock.json ./
COPY deploy/slim-modules.sh ./deploy/
RUN npm ci --no-audit --no-fund --omit=dev && sh deploy/slim-modules.sh "$GPU"

FROM node:22-bookworm-slim
# libgomp1: the threads of llama.cpp's CPU backend.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 UV_THREADPOOL_SIZE=1 MALLOC_MMAP_THRESHOLD_=262144
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY src/http/playground.html ./src/http/
COPY data/words_en.tsv data/brands.tsv data/glossary.tsv ./data/
COPY models ./models
USER node
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/cli.js", "serve"]
