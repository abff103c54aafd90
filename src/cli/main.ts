import { CommanderError } from 'commander'
import { ExitCode, UserError } from '../errors.js'
import { escapeControls, escapeInLines } from '../terminal.js'
import { endInTime } from './end.js'
import { parseCheckFlags, parseCleanupFlags, parseFlags } from './flags.js'
import { endOnHangup } from './signals.js'

/** Whatever went wrong, as one line and an exit code; the unexpected keeps its stack trace. */
function report(error: unknown): ExitCode {
  // Commander has printed help, version or its complaint already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
  if (error instanceof UserError) {
    process.stderr.write(`egress-exporter: ${escapeControls(error.message)}\n`)
    return error.exitCode
  }
  const words = String(error instanceof Error ? error.stack : error)
  process.stderr.write(`egress-exporter: ${escapeInLines(words)}\n`)
  return ExitCode.failed
}

// Whoever reads may have enough, as head(1) has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(ExitCode.ok)
})

// Each command loads what it needs alone.
try {
  const argv = process.argv.slice(2)
  if (['check', 'destinations', 'top', 'cleanup'].includes(argv[0] ?? '')) endOnHangup()
  const print = (line: string) => process.stdout.write(`${escapeInLines(line)}\n`)
  if (argv[0] === 'check') {
    const { check } = await import('./check.js')
    process.exitCode = await check(parseCheckFlags(argv.slice(1)), print)
  } else if (argv[0] === 'destinations') {
    const { destinations } = await import('./destinations.js')
    destinations(argv.slice(1), print)
  } else if (argv[0] === 'top') {
    const { top } = await import('./top.js')
    await top(argv.slice(1), print)
  } else if (argv[0] === 'cleanup') {
    const { cleanup } = await import('./cleanup.js')
    cleanup(parseCleanupFlags(argv.slice(1)).dryRun, print)
  } else {
    const commandLine = parseFlags(argv)
    if (commandLine.configCheck) {
      const { loadSettings } = await import('../config/load.js')
      const { listen, webConfigFile } = await loadSettings(commandLine)
      const { refuseOccupied } = await import('../web/listeners.js')
      for (const address of listen === 'systemd' ? [] : listen) {
        if ('path' in address) refuseOccupied(address.path, '--web.listen-address: ', ExitCode.usage)
      }
      if (webConfigFile !== '') (await import('../web/web-config-file.js')).loadWebConfig(webConfigFile)
      print('the settings are valid')
    } else {
      const { run } = await import('./run.js')
      await run(commandLine)
    }
  }
} catch (error) {
  process.exitCode = report(error)
}
endInTime()
