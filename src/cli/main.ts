import { CommanderError } from 'commander'
import { ExitCode, UserError } from '../errors.js'
import { escapeControls, escapeInLines } from '../terminal.js'
import { checkCommand } from './commands/check.js'
import { cleanupCommand } from './commands/cleanup.js'
import { destinationsCommand } from './commands/destinations.js'
import { runCommand } from './commands/run.js'
import { topCommand } from './commands/top.js'
import { endInTime } from './end.js'
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

const print = (line: string) => process.stdout.write(`${escapeInLines(line)}\n`)
// Each command loads what it needs alone.
const program = runCommand(async (commandLine) => {
  if (!commandLine.configCheck) return (await import('./run.js')).run(commandLine)
  await (await import('./config-check.js')).checkConfig(commandLine)
  print('the settings are valid')
})
  .addCommand(topCommand(async (flags) => (await import('./top.js')).top(flags, print)))
  .addCommand(
    destinationsCommand(async (wish) => (await import('./destinations.js')).destinations(wish, print)),
  )
  .addCommand(
    checkCommand(async (flags) => {
      process.exitCode = await (await import('./check.js')).check(flags, print)
    }),
  )
  .addCommand(cleanupCommand(async ({ dryRun }) => (await import('./cleanup.js')).cleanup(dryRun, print)))
  .hook('preAction', (run, acting) => {
    if (acting !== run) endOnHangup()
  })
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
endInTime()
