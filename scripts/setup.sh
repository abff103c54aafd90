#!/bin/sh
# Sets up what is missing: setup.sh [--test] [--kernels] [--arm64] [--packages] [--guests] [--scrapers]. Takes
# a moment where nothing has changed since the last time; what has, setup.js finds out.
set -eu
stamp=build/ready-$(uname -m)$(printf '%s' "$@")
# Missing files are named on standard error.
changed=$(find package.json package-lock.json tsconfig.json binding.gyp bpf native src scripts \
	dist/main.js build/Release/egress.node node_modules/.package-lock.json \
	-newer "$stamp" 2>&1 | head -n 1)
[ -n "$changed" ] || exit 0
# npm puts this one first, which cannot run on a machine of another kind.
node_modules/.bin/node --version >/dev/null 2>&1 || rm -f node_modules/.bin/node
node scripts/setup.js "$@"
# A tree that was built and cannot be written any more serves all the same.
touch "$stamp" 2>/dev/null || true
