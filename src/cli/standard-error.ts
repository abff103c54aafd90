import type { Settings } from '../config/settings.js'
import { loadSystem, type System } from '../kernel/system.js'
import { LineWriter } from '../line-writer.js'
import { createLog, type Logger } from '../log.js'

const standardError = 2

/** A log to standard error, which holds nothing up. */
export interface StandardErrorLog {
  readonly log: Logger
  readonly lines: Pick<LineWriter, 'lost'>
}

export function logToStandardError(
  options: Settings['log'],
  system: Pick<System, 'writeNow'> = loadSystem(),
): StandardErrorLog {
  const lines = new LineWriter({
    write: (text) => system.writeNow(standardError, text),
    flowsAgain: (lost) => log.error({ lost }, 'standard error was not read: log lines are lost'),
  })
  const log = createLog(options, lines)
  process.on('exit', () => lines.flush())
  return { log, lines }
}
