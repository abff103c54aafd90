import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, Option } from 'commander'
import { defaults, type Values } from '../config/options.js'
import { parseSettings } from '../config/settings.js'
import type { SortKey } from '../destinations/fields.js'
import type { DestinationsList, ListQuery } from '../destinations/list.js'
import { UserError } from '../errors.js'
import { type Controls, press } from '../top/controls.js'
import { renderFrame, renderLines, renderTable, rowsThatFit, sortKeys } from '../top/frame.js'
import { Screen } from '../top/screen.js'
import { attachedSource, remoteSource, type Source } from '../top/source.js'
import { command, settingOption } from './flags.js'
import { logToStandardError } from './standard-error.js'

const examples = `
Examples:
  egress-exporter top                                  what leaves this host now, each second
  egress-exporter top --interface wg0 --sort packets   only there, those with most packets first
  egress-exporter top --once | head                    a table, once
  egress-exporter top --json | jq .matched             for programs, a line each second
  egress-exporter top --url https://user:pass@web1:10191

Keys: s sort, r reverse, / search, i interface, n only new, space pause, arrows scroll, q quit.
Without --url it asks the exporter on this host; if none answers, it counts for itself, as root,
and leaves nothing behind.`

const localUrl = 'http://localhost:10191'
const intervalMs = 1_000
/** In a pipe. */
const linesMost = 1_000
/** With --once. */
const tableMost = 25

interface Flags {
  readonly url?: URL
  readonly once?: true
  readonly json?: true
  readonly sort: SortKey
  readonly search?: string
}

/**
 * Shows where packets go, by rate: each second until `q` or a signal.
 *
 * @throws CommanderError after help or a line about a wrong flag; UserError if there is nothing to show
 */
export async function top(argv: readonly string[], print: (line: string) => void): Promise<void> {
  const { flags, interfaces, exclude } = parse(argv)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const source = await open(flags, interfaces, exclude)
  const query: ListQuery = {
    sort: flags.sort === 'destination' ? flags.sort : `-${flags.sort}`,
    ...(flags.search !== undefined && { search: flags.search }),
    // Where it counts for itself it counts nowhere else.
    ...(!source.attached && interfaces[0] !== undefined && { interface: interfaces[0] }),
    limit: flags.once ? tableMost : linesMost,
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

function parse(argv: readonly string[]) {
  const [interfaceOption, excludeOption] = [settingOption('interface'), settingOption('destinations.exclude')]
  const parseUrl = (text: string) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
    throw new InvalidArgumentError(`Write a URL such as ${localUrl}`)
  }
  const program = command('egress-exporter top')
    .description('Shows where the packets of this host go, each second, those with the highest rate first.')
    .addOption(new Option('--url <url>', `exporter to ask (default: ${localUrl})`).argParser(parseUrl))
    .addOption(interfaceOption)
    .addOption(excludeOption)
    .addOption(new Option('--sort <key>', 'what comes first').choices(sortKeys).default('bytes_per_second'))
    .option('--search <text>', 'only addresses that contain this, or lie within this prefix')
    .option('--once', 'print a table, and end')
    .option('--json', 'print JSON, as /api/v1/destinations has it')
    .addHelpText('after', examples)
    .parse(argv, { from: 'user' })
  const valueOf = (option: Option) =>
    program.getOptionValue(option.attributeName()) as readonly string[] | undefined
  const interfaces = valueOf(interfaceOption) ?? []
  const flags = program.opts<Flags>()
  if (flags.url && interfaces.length > 1)
    program.error('of an exporter that runs, one --interface can be shown')
  return { flags, interfaces, exclude: valueOf(excludeOption) }
}

/** The exporter that is asked for, or the one on this host, or none but this process. */
async function open(
  { url }: Flags,
  interfaces: readonly string[],
  exclude: readonly string[] | undefined,
): Promise<Source> {
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
  { json }: Flags,
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
