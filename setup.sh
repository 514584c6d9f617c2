#!/bin/sh
# Prepares everything with a few questions: settings, database, superuser, rooms. May be run again; arguments are passed
# on to `finchat setup` (`sh setup.sh --noinput` asks nothing). Works in a clone and in the container.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
  echo "finchat needs Node 20.19 or newer, and here is $(node --version 2>/dev/null || echo none): see https://nodejs.org." >&2
  exit 1
fi
if [ ! -f "$here/dist/cli/main.js" ]; then
  # A clone that was never installed; `npm ci` builds too.
  (cd "$here" && { [ -d node_modules ] && npm run build || npm ci; })
fi
exec node "$here/dist/cli/main.js" setup "$@"
