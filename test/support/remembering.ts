import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import Database from 'better-sqlite3'
import { eventually } from './await.js'
import { program, type RunningExporter } from './exporter.js'
import { ethernetFrame, type Namespace } from './network.js'
import { ipv4 } from './packets.js'

/** What an exporter with a memory says of it, and what is on the disk. */

/** Sends a packet to each destination by veth0, a device of silentPair(). */
export function sendTo(host: Namespace, ...destinations: string[]): void {
  host.traffic('frames veth0', destinations.map((to) => ethernetFrame('0800', ipv4({ to }))).join('\n'))
}

/** So many addresses of 203.0.113.0/24, or of the 10.0.0.0/8 that no one is left out of. */
export const addresses = (count: number, from = 1) =>
  Array.from({ length: count }, (_, i) => `203.0.${113 + ((from + i) >> 8)}.${(from + i) & 255}`)

export interface Remembers {
  /** New and not acknowledged, by their series, sorted. */
  readonly announced: string[]
  readonly newDestinations: number
  readonly unacknowledged: number
  readonly degraded: number
  readonly baselineEnd: number
  readonly audit: { readonly events: number; readonly pending: number; readonly lost: number }
}

export function remembers(samples: Map<string, number>): Remembers {
  const value = (name: string) => samples.get(name) ?? NaN
  const of = (name: string) => [...samples].filter(([series]) => series.startsWith(`${name}{`))
  return {
    announced: of('egress_destination_info')
      .map(([series]) => /destination="([^"]*)"/.exec(series)?.[1] ?? series)
      .sort(),
    newDestinations: of('egress_new_destinations_total').reduce((sum, [, count]) => sum + count, 0),
    unacknowledged: value('egress_unacknowledged_destinations'),
    degraded: value('egress_storage_degraded'),
    baselineEnd: value('egress_baseline_end_timestamp_seconds'),
    audit: {
      events: value('egress_audit_events_total'),
      pending: value('egress_audit_pending_events'),
      lost: value('egress_audit_lost_events_total'),
    },
  }
}

/** What an exporter remembers by now; each look fails where something fell since the one before. */
export function neverFalling(exporter: RunningExporter): () => Remembers {
  let before: Remembers | undefined
  return () => {
    const now = remembers(exporter.samples())
    if (before) {
      const gone = before.announced.filter((destination) => !now.announced.includes(destination))
      assert.deepEqual(gone, [], 'no series disappears')
      assert.ok(now.newDestinations >= before.newDestinations, 'no counter falls')
      assert.ok(now.unacknowledged >= before.unacknowledged, 'no alert resolves')
    }
    return (before = now)
  }
}

/** Looks until it is so. What neverFalling() finds fails at once. */
export async function lookUntil(look: () => Remembers, isSo: (now: Remembers) => void): Promise<Remembers> {
  let fell: unknown
  const found = await eventually(() => {
    if (fell !== undefined) return undefined
    let now: Remembers
    try {
      now = look()
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error
      fell = error
      return undefined
    }
    isSo(now)
    return now
  })
  if (!found) throw fell
  return found
}

export const databaseOf = (folder: string) => join(folder, 'destinations.db')

/** The statuses of what the database holds, by destination. */
export function stored(folder: string): Record<string, string> {
  const database = new Database(databaseOf(folder), { readonly: true })
  try {
    const rows = database.prepare('SELECT destination, status FROM destinations ORDER BY destination').all()
    return Object.fromEntries(
      (rows as { destination: string; status: string }[]).map((row) => [row.destination, row.status]),
    )
  } finally {
    database.close()
  }
}

/** "ok", or what is wrong with the database. */
export function soundness(folder: string): unknown {
  const database = new Database(databaseOf(folder))
  try {
    return database.pragma('integrity_check', { simple: true })
  } finally {
    database.close()
  }
}

/** Keeps other processes from writing, until it is released. */
export function lockDatabase(folder: string): { release(): void } {
  const database = new Database(databaseOf(folder))
  database.exec('BEGIN IMMEDIATE')
  return { release: () => void database.close() }
}

const commandLine = (folder: string, args: readonly string[]) => {
  const [node, ...main] = program
  return [node, [...main, 'destinations', ...args, `--storage.path=${folder}`]] as const
}

/** Runs `egress-exporter destinations`. */
export function destinationsCommand(folder: string, ...args: string[]): string {
  return execFileSync(...commandLine(folder, args), { encoding: 'utf8' })
}

/** Starts it; its exit code. */
export async function startDestinationsCommand(folder: string, ...args: string[]): Promise<number | null> {
  const child = spawn(...commandLine(folder, args), { stdio: 'ignore' })
  await once(child, 'exit')
  return child.exitCode
}

const isOfSchema = new Ajv2020({ formats: { 'date-time': true } }).compile(
  JSON.parse(readFileSync('docs/audit-log.schema.json', 'utf8')) as object,
)

export interface AuditEvent {
  readonly event: string
  readonly destination: string
  readonly note?: string
}

/** The events of an audit log; fails where a line is torn, glued to another, or not of the schema. */
export function auditEvents(text: string): AuditEvent[] {
  if (text === '') return []
  assert.ok(text.endsWith('\n'), 'the last line is whole')
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const event = JSON.parse(line) as AuditEvent
      assert.ok(isOfSchema(event), line)
      return event
    })
}

/** The same of a file, or of several that it was rotated to. */
export function auditEventsIn(...files: string[]): AuditEvent[] {
  return files.filter((file) => existsSync(file)).flatMap((file) => auditEvents(readFileSync(file, 'utf8')))
}

/** Which destinations have an event of this kind, each once, sorted. */
export function told(events: readonly AuditEvent[], kind = 'first_contact'): string[] {
  return [...new Set(events.filter(({ event }) => event === kind).map((event) => event.destination))].sort()
}
