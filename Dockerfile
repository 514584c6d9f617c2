# Built in one stage with a compiler, run in another without one.
FROM node:20-bookworm-slim AS build
# better-sqlite3 is compiled where its ready-made binary cannot be fetched.
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /code
# Dependencies before sources: a changed source does not install them again. The project's own build needs its
# sources, so no scripts run here but those of the two native modules.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts && npm rebuild bcrypt better-sqlite3
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts \
  && rm -f dist/*.tsbuildinfo

FROM node:20-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000
WORKDIR /code
# Only the data is the node user's; settings come from the environment.
RUN mkdir -m 700 data && chown node:node data
COPY --from=build /code/node_modules node_modules
COPY --from=build /code/dist dist
COPY --from=build /code/package.json /code/setup.sh /code/.env.sample /code/LICENSE ./
RUN chmod 755 dist/cli/main.js setup.sh && ln -s /code/dist/cli/main.js /usr/local/bin/finchat
USER node
VOLUME /code/data
EXPOSE 8000
# The slim image has no curl. Live, not ready: a server that waits for its database is not to be restarted for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8000) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["finchat", "serve"]
