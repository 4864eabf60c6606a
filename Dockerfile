# An agent as an image: the bundle on Node.js, without node_modules, not as root. User code goes to /app.
#
#   make install && docker build -t metakernel .
#   docker run -v "$PWD/app:/app:ro" -v "$PWD/token:/run/metakernel/token:ro" -p 46101-46103:46101-46103 metakernel
#
# BASE needs Node.js 22.18 or later and nothing else: no shell, no npm. node_modules comes with the context, as
# package-lock.json pins it, so that building needs no network.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /build
COPY . .
RUN ["node", "scripts/build.ts", "--no-types"]

FROM ${BASE}
COPY --from=build /build/dist /opt/metakernel/dist
COPY package.json LICENSE /opt/metakernel/
# What Python tasks need of us; Python itself is the matter of BASE.
COPY bindings /opt/metakernel/bindings
WORKDIR /app
USER 1000:1000
# REST, agent link, data link.
EXPOSE 46101 46102 46103
ENTRYPOINT ["node", "/opt/metakernel/dist/main.js"]
CMD ["agent", "start", "--host=0.0.0.0", "--app-path=/app", "--token-file=/run/metakernel/token"]
