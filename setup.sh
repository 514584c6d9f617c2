#!/bin/sh
# Prepares everything with a few questions: settings, database, superuser, rooms. May be run again; arguments are passed
# on to `finchat setup` (`sh setup.sh --noinput` asks nothing). Works in a clone and in the container.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if ! command -v node >/dev/null 2>&1; then
  echo 'finchat needs Node 20.19 or newer: see https://nodejs.org.' >&2
  exit 1
fi
if [ ! -f "$here/dist/cli/main.js" ]; then
  # A clone that was never installed; `npm ci` builds too.
  (cd "$here" && { [ -d node_modules ] && npm run build || npm ci; })
fi
exec node "$here/dist/cli/main.js" setup "$@"
