import { setTimeout as sleep } from 'node:timers/promises'
import { defaults, type Values } from '../config/options.js'
import { parseSettings } from '../config/settings.js'
import type { DestinationsList, ListQuery } from '../destinations/list.js'
import { UserError } from '../errors.js'
import { type Controls, press } from '../top/controls.js'
import { renderFrame, renderLines, renderTable, rowsThatFit } from '../top/frame.js'
import { Screen } from '../top/screen.js'
import { attachedSource, remoteSource, type Source } from '../top/source.js'
import { localUrl, type TopFlags } from './commands/top.js'
import { logToStandardError } from './standard-error.js'

const intervalMs = 1_000
/** In a pipe. */
const maxLines = 1_000
/** With --once. */
const maxTableRows = 25

/**
 * Shows where packets go, by rate: each second until `q` or a signal.
 *
 * @throws UserError if there is nothing to show
 */
export async function top(flags: TopFlags, print: (line: string) => void): Promise<void> {
  const { interfaces } = flags
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const source = await open(flags)
  const query: ListQuery = {
    sort: flags.sort === 'destination' ? flags.sort : `-${flags.sort}`,
    ...(flags.search !== undefined && { search: flags.search }),
    // Where it counts for itself it counts nowhere else.
    ...(!source.attached && interfaces[0] !== undefined && { interface: interfaces[0] }),
    limit: flags.once ? maxTableRows : maxLines,
    offset: 0,
  }
  try {
    // A rate is known after two looks.
    if (source.attached) await pause(2 * intervalMs, stop.signal)
    if (flags.once) {
      const list = await source.list(query)
      for (const line of flags.json ? [JSON.stringify(list)] : renderTable(list, query)) print(line)
    } else if (flags.json || !process.stdout.isTTY || !process.stdin.isTTY) {
      await stream(source, query, flags, stop.signal, print)
    } else {
      await interact(source, query, stop)
    }
  } finally {
    source.close()
  }
}

/** The exporter that is asked for, or the one on this host, or none but this process. */
async function open({ url, interfaces, exclude }: TopFlags): Promise<Source> {
  const remote = remoteSource(url ?? new URL(localUrl))
  const probe: ListQuery = { sort: '-bytes_per_second', limit: 0, offset: 0 }
  try {
    // What is to be left out, a running exporter has decided already.
    if (exclude === undefined || url) {
      await remote.list(probe)
      return remote
    }
  } catch (error) {
    const cause = ((error as Error).cause as Error | undefined)?.cause as NodeJS.ErrnoException | undefined
    if (url || cause?.code !== 'ECONNREFUSED') throw error
  }
  const values: Values = {
    ...defaults,
    interface: interfaces,
    'storage.path': '',
    ...(exclude && { 'destinations.exclude': exclude }),
  }
  try {
    return await attachedSource(
      parseSettings(values),
      logToStandardError({ level: 'error', format: 'logfmt' }).log,
    )
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`top: no exporter answers at ${localUrl}, and ${error.message}`, error.exitCode, {
      cause: error,
    })
  }
}

/** Lines or JSON each second, until a signal. */
async function stream(
  source: Source,
  query: ListQuery,
  { json }: TopFlags,
  stop: AbortSignal,
  print: (line: string) => void,
): Promise<void> {
  while (!stop.aborted) {
    const list = await source.list(query)
    for (const line of json ? [JSON.stringify(list)] : renderLines(list)) print(line)
    await pause(intervalMs, stop)
  }
}

async function interact(source: Source, query: ListQuery, stop: AbortController): Promise<void> {
  let controls: Controls = { query, paused: false, typing: undefined, done: false }
  let list: DestinationsList | undefined
  let problem: string | undefined
  let wake = new AbortController()
  const show = () => {
    if (!list) return
    const { typing, paused } = controls
    screen.show(
      renderFrame(
        list,
        { source: source.name, query: controls.query, typing, paused, problem },
        screen.shape,
      ),
    )
  }
  const fit = () => {
    controls = { ...controls, query: { ...controls.query, limit: rowsThatFit(screen.shape) } }
  }
  const screen = new Screen(
    process.stdin,
    process.stdout,
    (key) => {
      const { query: before } = controls
      controls = press(controls, key, list)
      if (controls.done) stop.abort()
      // A question is answered at once, whatever the clock says.
      if (controls.query !== before) wake.abort()
      show()
    },
    () => {
      fit()
      wake.abort()
    },
  )
  try {
    fit()
    while (!stop.signal.aborted) {
      wake = new AbortController()
      const asked = controls.query
      try {
        list = await source.list(asked)
        problem = undefined
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        problem = error.message
      }
      // What was asked meanwhile comes first.
      if (asked !== controls.query) continue
      show()
      do await pause(intervalMs, AbortSignal.any([stop.signal, wake.signal]))
      while (controls.paused && !AbortSignal.any([stop.signal, wake.signal]).aborted)
    }
  } finally {
    screen.close()
  }
}

/** Waits, and no longer than until a signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
