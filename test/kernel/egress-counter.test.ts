import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Addon } from '../../src/kernel/native/addon.js'
import { EgressCounter, type Reading } from '../../src/kernel/egress-counter.js'

const settings = {
  interfaces: ['a', 'b'],
  interfacesExclude: [],
  interfaceMissing: 'refuse',
  prefixRules: [],
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
  aggregateReplies: false,
  servicesLimit: 0,
  idleTimeoutMs: 0,
  pinPath: '',
  bpfStats: false,
  destinationsLimit: 23,
  bpfMode: 'auto',
} as const

const nothing = { count: 0, json: new ArrayBuffer(0), keys: new BigUint64Array(0) }

const silent = { info() {}, warn() {} }

const plain = { altnames: [], up: true, kind: '', bus: '', master: 0, lower: 0 }

/** An addon that counts what is asked of it; interface b fails to attach on demand. */
function fakeAddon({ failOn = '', page = Buffer.alloc(0) } = {}) {
  const calls: string[] = []
  const addon = {
    libbpfVersion: '1.1',
    tcxSupported: () => true,
    leftovers: () => [],
    removeLeftover() {},
    pinFolders: () => [],
    bpfFileSystems: () => [],
    removePins() {},
    tcxChain: () => [],
    clsactFilters: () => [],
    programName: () => '',
    tryAttach() {},
    hasMmapableArrays: () => true,
    hasMembarrier: () => true,
    links: () => [
      { ifindex: 1, name: 'a', type: 1, ...plain },
      { ifindex: 2, name: 'b', type: 65534, ...plain },
    ],
    hasInterface: () => true,
    sharedPlaceQdiscs: () => [],
    defaultRouteInterfaces: async () => [],
    listeningTcpPorts: () => [],
    clientPortsWords: 1024,
    clsactHandle: 0x65677265,
    kernelBytes: () => 0,
    Names: class {
      listen() {}
      choose() {}
      begin() {}
      end() {}
      takeResolved() {}
      countMalformed() {}
      state = () => ({ dns: 0, resolved: 0, malformed: 0, truncated: 0, name: 0, overflow: 0 })
      close() {}
    },
    InterfaceWatch: class {
      close() {
        calls.push('stop watching')
      }
    },
    Exporter: class {
      async adopted() {
        return []
      }
      replaced() {
        return []
      }
      async attachmentInfo(ifindexes: readonly number[]) {
        return ifindexes.map(() => ({ mode: 'tcx' as const, before: [] }))
      }
      async sweep() {
        return { listed: 0, expired: 0, evicted: 0, overflowPackets: 0 }
      }
      async takeRetired() {
        return nothing
      }
      async setPrefixRules() {}
      async keepPins() {
        return { anew: [], lost: [], reason: '' }
      }
      async setClientPorts() {}
      dropCapabilities() {
        return []
      }
      async detach() {}
      async forgetDeparted() {
        return []
      }
      async attach(_ifindex: number, name: string, ethernet: boolean) {
        calls.push(`attach ${name} ${ethernet ? 'ethernet' : 'ip'}`)
        if (name === failOn) throw new Error('no')
        return 'tcx' as const
      }
      async discover() {
        return { ...nothing, looked: 0, records: 0 }
      }
      async publish() {}
      async rank() {
        return { matched: 0, rows: [], interfaces: [], services: [] }
      }
      async findActive() {
        return { next: 23, ...nothing }
      }
      async unnamedSenders() {
        return []
      }
      async nameSenders() {}
      enableStatistics() {
        throw Object.assign(new Error('no'), { code: 'EPERM', operation: 'enable statistics' })
      }
      runStatistics() {
        return { runs: 0, seconds: 0 }
      }
      async read(openMetrics: boolean, _zeroForMs: number | undefined, buffer: Uint8Array) {
        calls.push(`read, OpenMetrics: ${openMetrics}`)
        let rest = Buffer.from(page)
        const fill = (to: Uint8Array) => {
          const length = rest.copy(to)
          rest = rest.subarray(length)
          return length
        }
        return {
          readNs: 5n,
          filled: fill(buffer),
          get ended() {
            return rest.length === 0
          },
          async fill(to: Uint8Array) {
            return fill(to)
          },
          close() {
            calls.push('close page')
          },
        }
      }
      close() {
        calls.push('close')
      }
    },
  } satisfies Addon
  return { addon, calls }
}

/** Reads to the end: the lengths of the chunks and all bytes. Each chunk is copied before the next. */
async function readAll({ chunks }: Reading) {
  const copies: Buffer[] = []
  const lasts: boolean[] = []
  for await (const { bytes, last } of chunks) {
    copies.push(Buffer.from(bytes))
    lasts.push(last)
  }
  return { lengths: copies.map(({ length }) => length), page: Buffer.concat(copies), lasts }
}

t.test('a page that fits is one chunk', async (t) => {
  const { addon, calls } = fakeAddon({ page: Buffer.from('one\ntwo\n') })
  const reading = await (await EgressCounter.open(settings, silent, { addon })).read({ openMetrics: true })
  const { page, lasts } = await readAll(reading)
  t.equal(page.toString(), 'one\ntwo\n')
  t.same(lasts, [true])
  t.same(calls.slice(-2), ['read, OpenMetrics: true', 'close page'])
})

t.test('a longer one comes chunk by chunk, to several at once too', async (t) => {
  const page = randomBytes(11_000_003)
  const { addon } = fakeAddon({ page })
  const counter = await EgressCounter.open(settings, silent, { addon })
  for (let round = 0; round < 2; round++) {
    const readings = await Promise.all([1, 2].map(() => counter.read({ openMetrics: false })))
    for (const read of await Promise.all(readings.map(readAll))) {
      t.ok(read.page.equals(page))
      t.same(
        read.lasts,
        read.lasts.map((_, index) => index === read.lasts.length - 1),
      )
      t.ok(Math.max(...read.lengths) < page.length / 2, `chunks of ${read.lengths}`)
    }
  }
})

t.test('a page is let go before its end too', async (t) => {
  const page = randomBytes(11_000_003)
  const { addon, calls } = fakeAddon({ page })
  const counter = await EgressCounter.open(settings, silent, { addon })
  const { chunks } = await counter.read({ openMetrics: false })
  await chunks.next()
  await chunks.next()
  t.not(calls.at(-1), 'close page')
  await chunks.return(undefined)
  t.same(calls.slice(-2), ['read, OpenMetrics: false', 'close page'])
  t.ok((await readAll(await counter.read({ openMetrics: false }))).page.equals(page))
})

t.test('BPF statistics that cannot be had are a warning', async (t) => {
  const { addon } = fakeAddon()
  const warnings: unknown[] = []
  const log = { info() {}, warn: (fields: unknown) => warnings.push(fields) }
  const counter = await EgressCounter.open({ ...settings, bpfStats: true }, log, { addon })
  t.same(warnings, [{ reason: 'it takes CAP_SYS_ADMIN' }])
  t.same(counter.runStatistics, { runs: 0, seconds: 0 })
})

t.test('a failure to attach one detaches all', async (t) => {
  const { addon, calls } = fakeAddon({ failOn: 'b' })
  await t.rejects(EgressCounter.open(settings, silent, { addon }), { message: 'no' })
  t.same(calls, ['attach a ethernet', 'attach b ip', 'stop watching', 'close'])
})
