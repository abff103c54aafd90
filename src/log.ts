import { type Logger, pino } from 'pino'
import type { LogFormat, LogLevel } from './config/options.js'
import { escapeControls } from './terminal.js'

export type { Logger }

/** Where log lines go: standard error, or a test's array. */
export interface LogSink {
  write(line: string): void
}

/** Logs to a sink, each line by one call. */
export function createLog(
  options: { readonly level: LogLevel; readonly format: LogFormat },
  sink: LogSink,
): Logger {
  const toLine = options.format === 'json' ? (json: string) => json.trimEnd() : toLogfmt
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (json: string) => sink.write(`${escapeControls(toLine(json))}\n`) },
  )
}

/** One JSON object as a line of key=value pairs, as Prometheus and its exporters log. */
function toLogfmt(json: string): string {
  const { time, level, msg, ...rest } = JSON.parse(json) as Record<string, unknown>
  const pairs = Object.entries({ time, level, msg, ...rest }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${quote(value)}`],
  )
  return pairs.join(' ')
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // JSON's escapes keep line feeds and quotes apart.
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text)
}
