import type Tap from 'tap'
import type { Ranking } from '../../src/kernel/ranking.js'
import { createSelfMetrics } from '../../src/exposition/self-metrics.js'
import type { Chunk, Reading, View } from '../../src/kernel/egress-counter.js'
import { unknownNetwork } from '../../src/networks/network.js'
import { type AppOptions, createApp } from '../../src/web/app.js'

const place = { kind: '', bus: 'pci', master: '', lower: '' }
const memory = {
  state: {
    baselineEndMs: 5_000,
    newDestinations: new Map([['eth1', 37]]),
    unacknowledged: 41,
    degraded: true,
    audit: { written: 43, pending: 47, lost: 53, failing: false },
    networkFilesFailed: 59,
    announced: [
      {
        ...{ interface: 'eth0', destination: '192.0.2.1', protocol: 6, port: 443, status: 'new' as const },
        ...{ service: 'nginx.service', uid: 33, name: null, novelty: null, ...unknownNetwork },
        ...{ firstSeenMs: 1, lastSeenMs: 2, packets: 3, bytes: 4, acknowledgedMs: null, note: null },
      },
    ],
  },
}

const nothing: Ranking = { matched: 0, rows: [], interfaces: [], services: [] }
const destinations = { state: memory.state, rank: async () => nothing, describe: async () => [] }

const interfaces = [
  { ifindex: 2, name: 'eth0', linkType: 'ether', ethernet: true, place, mode: 'tcx', programsBefore: 2 },
] as const

/** The web application over a kernel that answers as a test wants. */
export function fakeApp(
  t: Pick<typeof Tap, 'teardown'>,
  read: (view: View) => Promise<Reading>,
  catchUp: () => Promise<void> = () => Promise.resolve(),
  options: Partial<AppOptions> = {},
) {
  const errors: unknown[] = []
  const warnings: unknown[] = []
  const app = createApp({
    counter: { read, catchUp, ...destinations },
    selfMetrics: createSelfMetrics({
      libbpfVersion: '1.1',
      destinationsLimit: 23,
      interfaces: () => interfaces,
      missingInterfaces: () => ['wan9'],
      uncountedSeconds: () => new Map([['eth0', 1.5]]),
      table: () => ({ expired: 5, evicted: 7, full: true }),
      runStatistics: () => ({ runs: 31, seconds: 0.5 }),
      memory,
      names: () => undefined,
      logLinesLost: () => 13,
      authenticationFailures: () => ({ wrong: 17, throttled: 19 }),
      pinned: () => true,
      configReload: () => ({ successful: false, successSeconds: 11 }),
    }),
    log: {
      error: (...args: unknown[]) => errors.push(args),
      warn: (...args: unknown[]) => warnings.push(args),
    },
    telemetryPath: '/metrics',
    maxRequests: 2,
    allowedHosts: [],
    ...options,
  })
  t.teardown(() => app.close())
  return { app, errors, warnings }
}

async function* chunks(openMetrics: boolean): AsyncGenerator<Chunk> {
  yield { bytes: Buffer.from(`# kernel, ${openMetrics}\n`), last: false }
  yield { bytes: Buffer.from('# second chunk\n'), last: true }
}

/** A reading of two chunks. */
export const fine = async ({ openMetrics }: View): Promise<Reading> => ({
  chunks: chunks(openMetrics),
})
