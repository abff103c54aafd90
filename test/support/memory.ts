import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contact, Contacts } from '../../src/kernel/contacts.js'
import type { Instant } from '../../src/memory/lived-clock.js'
import { Memory, type MemorySettings, type Surroundings } from '../../src/memory/memory.js'
import type { NamedContact } from '../../src/memory/rows.js'
import { unknownNetwork } from '../../src/networks/network.js'

interface Teardown {
  teardown(action: () => unknown): void
}

export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'egress-memory-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file system of its own, that can be filled or made read-only. */
export function smallDisk(t: Teardown, size: string): { folder: string; remount(options: string): void } {
  const folder = temporaryFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  return {
    folder,
    remount: (options) => void execFileSync('mount', ['-o', `remount,${options}`, folder]),
  }
}

/** A contact that is now, made of what a test cares about. */
export const contact = (destination: string, rest: Partial<Contact> = {}): Contact => ({
  interface: 'eth0',
  destination,
  protocol: 6,
  port: 443,
  packets: 1,
  bytes: 60,
  firstSeenMs: 1_000,
  lastSeenMs: 1_000,
  ageMs: 0,
  idleMs: 0,
  record: '1',
  sender: { cgroup: '0', ingress: '', uid: 0 },
  ...rest,
})

/** The same as it is stored. */
export const placed = (destination: string, rest: Partial<NamedContact> = {}): NamedContact => ({
  ...contact(destination, rest),
  life: '1',
  firstLivedMs: 0,
  lastLivedMs: 0,
  service: null,
  uid: null,
  novelty: null,
  name: null,
  ...unknownNetwork,
  ...rest,
})

/** As the addon packs them. */
export const pack = (contacts: readonly Contact[]): Contacts => ({
  count: contacts.length,
  json: Uint8Array.from(Buffer.from(JSON.stringify(contacts))).buffer,
  keys: BigUint64Array.from(contacts.flatMap((_, index) => [BigInt(index), 1n])),
})

/** A host's clocks: they go on together, until somebody sets the wall clock. */
export class TestClock {
  #wallMs = 1_000_000
  #monotonicMs = 500_000
  #bootId = 'boot1'

  /** Time goes by, while the host is up. */
  pass(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }

  /** Somebody sets the clock. */
  step(ms: number): void {
    this.#wallMs += ms
  }

  /** The host starts anew, after it was down for so long. */
  reboot(downMs: number, upMs: number): void {
    this.#bootId += '+'
    this.#wallMs += downMs + upMs
    this.#monotonicMs = upMs
  }

  readonly now = (): Instant => ({
    wallMs: this.#wallMs,
    uptimeMs: this.#monotonicMs,
    monotonicMs: this.#monotonicMs,
    bootId: this.#bootId,
  })
}

/** A memory in this thread. */
export function openMemory(
  t: Teardown,
  storagePath: string,
  { clock = new TestClock(), auditFile = '', serviceOf, networks, ...rest }: OpenOptions = {},
) {
  const log = recordingLog()
  const audit = { file: auditFile, maxBytes: 0 }
  const settings = {
    storagePath,
    baselineMs: 0,
    newBy: 'destination' as const,
    expectations: [],
    retentionMs: 1e9,
    destinationsLimit: 23,
    audit,
    ...rest,
  }
  const memory = new Memory(settings, log, {
    now: clock.now,
    ...(serviceOf && { serviceOf }),
    ...(networks && { networks }),
  })
  t.teardown(() => memory.close())
  return { memory, log, clock }
}

type OpenOptions = Partial<Omit<MemorySettings, 'audit'>> & {
  readonly clock?: TestClock
  readonly auditFile?: string
  readonly serviceOf?: Surroundings['serviceOf']
  readonly networks?: Surroundings['networks']
}

/** What it announces. */
export const announced = (memory: Memory) => memory.state.announced.map(({ destination }) => destination)

/** The lines of an audit log. */
export const auditLines = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Log lines, as [level, message]. */
export function recordingLog() {
  const lines: [level: string, message: string, fields: unknown][] = []
  const at = (level: string) => (fields: unknown, message?: string) =>
    void lines.push([level, message ?? String(fields), fields])
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}
