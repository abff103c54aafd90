#!/usr/bin/env -S sh -c 'f="--max-semi-space-size=1 --disable-sigusr1"; node $f -v >/dev/null 2>&1 || f=; exec node $f "$0" "$@"'
// A Node.js that does not know these flags is too old, and told so below. They are for this:
// Garbage goes early: else what it takes to meet 100,000 destinations stays for long. SIGUSR1 opens no debugger: it
// waits until somebody asks for it. Other flags of V8 would void the code cache that Node carries: run.ts has them.
import './cli/signals.js'

// better-sqlite3 asks for Node-API 10 as it is loaded; a Node without it dies of that, and says nothing.
if (Number(process.versions.napi) >= 10) {
  await import('./cli/main.js')
} else {
  process.stderr.write(
    `egress-exporter: Node.js ${process.versions.node} is too old: run it with 22.14 or newer, or by npm start, which brings its own\n`,
  )
  process.exitCode = 1
}
