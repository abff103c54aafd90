import { runCommand } from '../../src/cli/commands/run.js'
import type { CommandLine } from '../../src/config/load.js'

/** What the flags of a run say. */
export function parseFlags(argv: readonly string[]): CommandLine {
  let parsed: CommandLine | undefined
  runCommand((commandLine) => void (parsed = commandLine)).parse(argv, { from: 'user' })
  if (!parsed) throw new Error('no run')
  return parsed
}
