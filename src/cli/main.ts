import { CommanderError } from 'commander'
import { loadSettings } from '../config/load.js'
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

// Whoever reads may have enough, as head(1) has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(ExitCode.ok)
})

try {
  const argv = process.argv.slice(2)
  const print = (line: string) => process.stdout.write(`${line}\n`)
  if (argv[0] === 'check') {
    process.exitCode = await check(parseCheckFlags(argv.slice(1)), print)
  } else if (argv[0] === 'destinations') {
    const { destinations } = await import('./destinations.js')
    destinations(argv.slice(1), print)
  } else if (argv[0] === 'top') {
    const { top } = await import('./top.js')
    await top(argv.slice(1), print)
  } else if (argv[0] === 'cleanup') {
    cleanup(parseCleanupFlags(argv.slice(1)).dryRun, print)
  } else {
    const commandLine = parseFlags(argv)
    if (commandLine.configCheck) {
      const { webConfigFile } = await loadSettings(commandLine)
      if (webConfigFile !== '') (await import('../web/web-config-file.js')).loadWebConfig(webConfigFile)
      print('the settings are valid')
    } else {
      await run(commandLine)
    }
  }
} catch (error) {
  process.exitCode = report(error)
}
