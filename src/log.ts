import { type Logger, pino } from 'pino'
import type { LogFormat, LogLevel } from './config/options.js'

export type { Logger }

/** Where log lines go: standard error, or a test's array. */
export interface LogSink {
  write(line: string): void
}

/**
 * Logs to standard error. Lines are written at once, so that the last words of a failing process are
 * not lost.
 */
export function createLog(
  options: { readonly level: LogLevel; readonly format: LogFormat },
  sink: LogSink = pino.destination({ dest: 2, sync: true }),
): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.format === 'json' ? sink : { write: (line: string) => sink.write(toLogfmt(line)) },
  )
}

/** One JSON object as a line of key=value pairs, as Prometheus and its exporters log. */
function toLogfmt(json: string): string {
  const { time, level, msg, ...rest } = JSON.parse(json) as Record<string, unknown>
  const pairs = Object.entries({ time, level, msg, ...rest }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${quote(value)}`],
  )
  return `${pairs.join(' ')}\n`
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // JSON's escapes keep line feeds and control characters out of the log.
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text)
}
