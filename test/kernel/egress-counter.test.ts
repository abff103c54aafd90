import t from 'tap'
import type { Addon } from '../../src/kernel/addon.js'
import { EgressCounter } from '../../src/kernel/egress-counter.js'

const settings = {
  interfaces: ['a', 'b'],
  interfacesExclude: [],
  choices: [],
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
  aggregateReplies: false,
  idleTimeoutMs: 0,
  pinPath: '',
  bpfStats: false,
  destinationsLimit: 23,
  bpfMode: 'auto',
} as const

const silent = { info() {}, warn() {} }

/** An addon that counts what is asked of it; interface b fails to attach on demand. */
function fakeAddon({ failOn = '' } = {}) {
  const calls: string[] = []
  const addon = {
    libbpfVersion: '1.1',
    tcxSupported: () => true,
    leftovers: () => [],
    removeLeftover() {},
    pinFolders: () => [],
    removePins() {},
    tcxChain: () => [],
    clsactFilters: () => [],
    programName: () => '',
    tryAttach() {},
    hasMmapableArrays: () => true,
    hasMembarrier: () => true,
    links: () => [
      { ifindex: 1, name: 'a', type: 1, kind: '', bus: '', master: 0, lower: 0 },
      { ifindex: 2, name: 'b', type: 65534, kind: '', bus: '', master: 0, lower: 0 },
    ],
    defaultRouteInterfaces: () => [],
    listeningTcpPorts: () => [],
    InterfaceWatch: class {
      close() {
        calls.push('stop watching')
      }
    },
    Exporter: class {
      adopted() {
        return []
      }
      replaced() {
        return []
      }
      hanging() {
        return { mode: 'tcx' as const, before: [] }
      }
      async keepHouse() {
        return { listed: 0, expired: 0, evicted: 0, overflowPackets: 0 }
      }
      async takeRetired() {
        return []
      }
      async choose() {}
      setOwnPorts() {}
      dropCapabilities() {
        return []
      }
      async detach() {}
      forgetDeparted() {
        return []
      }
      attach(_ifindex: number, name: string, ethernet: boolean) {
        calls.push(`attach ${name} ${ethernet ? 'ethernet' : 'ip'}`)
        if (name === failOn) throw new Error('no')
        return 'tcx' as const
      }
      async discover() {
        return []
      }
      async know() {}
      async rank() {
        return { matched: 0, rows: [], interfaces: [] }
      }
      async findActive() {
        return { next: 23, sightings: [] }
      }
      enableStatistics() {
        throw Object.assign(new Error('no'), { code: 'EPERM', operation: 'enable statistics' })
      }
      runStatistics() {
        return { runs: 0, seconds: 0 }
      }
      async read(openMetrics: boolean, _zeroAfterNs: bigint, buffer: Uint8Array) {
        const chunks = ['one\n', 'two\n', String(openMetrics)]
        const fill = (to: Uint8Array) => Buffer.from(to.buffer).write(chunks.shift() ?? '')
        return {
          readNs: 5n,
          filled: fill(buffer),
          get ended() {
            return chunks.length === 0
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

t.test('a page comes chunk by chunk, and is let go at its end or before', async (t) => {
  const { addon, calls } = fakeAddon()
  const counter = EgressCounter.open(settings, silent, addon)
  const reading = await counter.read({ openMetrics: true })
  t.equal(reading.readNs, 5n)
  let text = ''
  for await (const chunk of reading.chunks) text += Buffer.from(chunk).toString()
  t.equal(text, 'one\ntwo\ntrue')
  t.equal(calls.at(-1), 'close page')
  calls.length = 0
  const { chunks } = await counter.read({ openMetrics: false })
  await chunks.next()
  await chunks.return(undefined)
  t.equal(calls.at(-1), 'close page')
})

t.test('BPF statistics that cannot be had are a warning', (t) => {
  const { addon } = fakeAddon()
  const warnings: unknown[] = []
  const log = { info() {}, warn: (fields: unknown) => warnings.push(fields) }
  const counter = EgressCounter.open({ ...settings, bpfStats: true }, log, addon)
  t.same(warnings, [{ reason: 'it takes CAP_SYS_ADMIN' }])
  t.same(counter.runStatistics, { runs: 0, seconds: 0 })
  t.end()
})

t.test('a failure to attach one detaches all', async (t) => {
  const { addon, calls } = fakeAddon({ failOn: 'b' })
  t.throws(() => EgressCounter.open(settings, silent, addon), { message: 'no' })
  t.same(calls, ['attach a ethernet', 'attach b ip', 'stop watching', 'close'])
})
