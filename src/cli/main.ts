#!/usr/bin/env node
import { CommanderError } from 'commander'
import { parseSettings } from '../config/settings.js'
import { ExitCode, UserError } from '../errors.js'
import { check } from './check.js'
import { cleanup } from './cleanup.js'
import { parseCheckFlags, parseCleanupFlags, parseFlags } from './flags.js'
import { run } from './run.js'

/** Whatever went wrong, as one line and an exit code; the unexpected keeps its stack trace. */
function report(error: unknown): ExitCode {
  // Commander has printed help, version or its complaint already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
  if (error instanceof UserError) {
    process.stderr.write(`egress-exporter: ${error.message}\n`)
    return error.exitCode
  }
  process.stderr.write(`egress-exporter: ${error instanceof Error ? error.stack : String(error)}\n`)
  return ExitCode.failed
}

try {
  const argv = process.argv.slice(2)
  const print = (line: string) => process.stdout.write(`${line}\n`)
  if (argv[0] === 'check') {
    process.exitCode = check(parseCheckFlags(argv.slice(1)), print)
  } else if (argv[0] === 'cleanup') {
    cleanup(parseCleanupFlags(argv.slice(1)).dryRun, print)
  } else {
    await run(parseSettings(parseFlags(argv)))
  }
} catch (error) {
  process.exitCode = report(error)
}
