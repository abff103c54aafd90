import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAddon } from '../../src/kernel/native/addon.js'
import { eventually } from './await.js'
import type { Namespace } from './network.js'

interface Teardown {
  teardown(action: () => unknown): void
}

const stopDeadlineMs = 20_000
/** What the memory was too slow for comes with the next page: on a slow machine, not with the first. */
const accountedForMs = 10_000

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** The command that runs the built program, with the flags of its first line. */
export const program: readonly [string, ...string[]] = [process.execPath, ...nodeFlags(main), main]

/** As its first line has them. */
function nodeFlags(file: string): string[] {
  const [firstLine = ''] = readFileSync(file, 'utf8').split('\n', 1)
  const [, flags = ''] = /f="(.*?)"/.exec(firstLine) ?? []
  return flags.split(' ')
}

/** The modes that this kernel has. */
export const modes = loadAddon().tcxSupported() ? (['tcx', 'clsact'] as const) : (['clsact'] as const)

/** The built exporter in a namespace, as a user runs it. */
export interface RunningExporter {
  readonly child: ChildProcess
  /** Where its metrics are. */
  readonly url: string
  /** The log lines so far. */
  log(): string[]
  /** Gets a page from inside the namespace. */
  get(url?: string, headers?: Record<string, string>): string
  /** The samples of the metric page by name and labels, as it is now. */
  page(): Map<string, number>
  /** The same, once all that was counted is accounted for; as they are after 10 s, where more comes. */
  samples(): Map<string, number>
  /** The samples once an interface's total is what its device says that it sent, and all of it is accounted for. */
  settled(device?: string, units?: (keyof Counts)[]): Promise<Map<string, number>>
  /** Sends SIGTERM and awaits the exit code; null: a signal ended it, SIGKILL if it was not gone in 20 s. */
  stop(): Promise<number | null>
  /** Ends it without a chance to clean up, and awaits that it has gone. */
  kill(): Promise<void>
}

/** The command line that runs the built exporter, listening where the kernel chooses. */
export function exporterCommand(...flags: string[]): string[] {
  // Without a memory, unless a test wants one: it would be the machine's.
  const usual = ['--storage.path=', '--baseline.period=0']
  // It can be repeated: a test's own replaces it.
  if (!flags.some((flag) => flag.startsWith('--web.listen-address')))
    usual.push('--web.listen-address=127.0.0.1:0')
  return [...program, ...usual, ...flags]
}

export function startExporter(
  t: Teardown,
  namespace: Namespace,
  ...flags: string[]
): Promise<RunningExporter> {
  return startExporterWith(t, namespace, {}, ...flags)
}

export interface Surroundings {
  /** Beside the variables of the tests. */
  readonly env?: Record<string, string>
  /** A descriptor, or what else spawn takes; absent: the tests' own. */
  readonly stdout?: number | 'pipe'
}

/** The same, with an environment and a standard output of its own. */
export async function startExporterWith(
  t: Teardown,
  namespace: Namespace,
  { env, stdout }: Surroundings,
  ...flags: string[]
): Promise<RunningExporter> {
  const [file, args] = namespace.command(...exporterCommand(...flags))
  // A file and not a pipe: the tests wait for commands without reading, and a full pipe stops the exporter.
  const folder = mkdtempSync(join(tmpdir(), 'egress-exporter-'))
  const logFile = join(folder, 'log')
  const descriptor = openSync(logFile, 'w')
  const child = spawn(file, args, {
    stdio: ['ignore', stdout ?? 'inherit', descriptor],
    env: { ...process.env, ...env },
  })
  closeSync(descriptor)
  t.teardown(() => rmSync(folder, { recursive: true }))
  const log = () =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill()
      // One that does not end has no exit code, and must not outlive the test.
      const hung = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs)
      await exited
      clearTimeout(hung)
    }
    return child.exitCode
  }
  t.teardown(stop)
  const kill = async () => {
    child.kill('SIGKILL')
    await stop()
  }
  const url = await eventually(() => {
    if (child.exitCode !== null) return undefined
    const found = log()
      .map((line) => /msg="serving metrics" url="?([^" ]*)/.exec(line)?.[1])
      .find(Boolean)
    if (!found) throw new Error(`the exporter does not serve yet: ${log().join('\n')}`)
    return found
  })
  if (url === undefined) throw new Error(`the exporter ended: ${log().join('\n')}`)
  const get = (page = url, headers: Record<string, string> = {}) => {
    const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    return namespace.run(['curl', '--silent', '--show-error', '--fail', '--max-time', '15', ...given, page])
  }
  const page = () => parseSamples(get())
  const samples = () => {
    const deadline = Date.now() + accountedForMs
    for (;;) {
      const seen = page()
      if (isAccountedFor(seen) || Date.now() > deadline) return seen
    }
  }
  const settled = (device = 'veth0', units: (keyof Counts)[] = ['packets', 'bytes']) =>
    eventually(() => {
      const sent = namespace.sent(device)
      const seen = samples()
      assert.deepEqual(namespace.sent(device), sent, 'nothing leaves meanwhile')
      for (const unit of units) assert.equal(total(seen, device)[unit], sent[unit], unit)
      assert.deepEqual(closedSum(seen, device), total(seen, device), 'every packet is accounted for')
      return seen
    })
  return { child, url, log, get, stop, kill, page, samples, settled }
}

/** Reads text 0.0.4 far enough for the tests: `name{labels}` to value. */
export function parseSamples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

export interface Counts {
  packets: number
  bytes: number
}

/** The counters of one destination. */
export function destination(
  samples: Map<string, number>,
  address: string,
  device = 'veth0',
): Partial<Counts> {
  return counts(samples, 'egress', `{interface="${device}",destination="${address}"}`)
}

/** The counters of one reason. */
export function unlisted(samples: Map<string, number>, reason: string, device = 'veth0'): Partial<Counts> {
  return counts(samples, 'egress_unlisted', `{interface="${device}",reason="${reason}"}`)
}

/** The counters of one interface. */
export function total(samples: Map<string, number>, device = 'veth0'): Partial<Counts> {
  return counts(samples, 'egress_interface', `{interface="${device}"}`)
}

/** What must equal the total: all destinations and all reasons of one interface. */
export function closedSum(samples: Map<string, number>, device = 'veth0'): Counts {
  const sum = (unit: string) =>
    [...samples]
      .filter(
        ([series]) =>
          series.startsWith(`egress_${unit}_total{interface="${device}",`) ||
          series.startsWith(`egress_unlisted_${unit}_total{interface="${device}",`),
      )
      .reduce((all, [, value]) => all + value, 0)
  return { packets: sum('packets'), bytes: sum('bytes') }
}

/** Whether the sums of all interfaces close. */
function isAccountedFor(samples: Map<string, number>): boolean {
  const open = new Map<string, number>()
  const series = /^egress_(interface_|unlisted_)?(packets|bytes)_total\{interface="([^"]*)"/
  for (const [name, value] of samples) {
    const [, kind, unit, device] = series.exec(name) ?? []
    const sum = `${unit} ${device}`
    if (unit) open.set(sum, (open.get(sum) ?? 0) + (kind === 'interface_' ? value : -value))
  }
  return [...open.values()].every((value) => value === 0)
}

function counts(samples: Map<string, number>, prefix: string, labels: string): Partial<Counts> {
  const packets = samples.get(`${prefix}_packets_total${labels}`)
  const bytes = samples.get(`${prefix}_bytes_total${labels}`)
  return packets === undefined || bytes === undefined ? {} : { packets, bytes }
}
