import type { Settings } from '../config/settings.js'
import { loadAddon } from '../kernel/addon.js'
import type { System } from '../kernel/system.js'
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
  addon: Pick<System, 'writeNow'> = loadAddon(),
): StandardErrorLog {
  const lines = new LineWriter({
    write: (text) => addon.writeNow(standardError, text),
    flowsAgain: (lost) => log.error({ lost }, 'standard error was not read: log lines are lost'),
  })
  const log = createLog(options, lines)
  process.on('exit', () => lines.flush())
  return { log, lines }
}
