import t from 'tap'
import type { Addon, NativePage } from '../../src/kernel/addon.js'
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
  destinationsLimit: 23,
  bpfMode: 'auto',
} as const

const silent = { info() {}, warn() {} }

/** An addon that counts what is asked of it; interface b fails to attach on demand. */
function fakeAddon({ failOn = '' } = {}) {
  const calls: string[] = []
  const reads: ((page: NativePage) => void)[] = []
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
      read() {
        calls.push('read')
        return new Promise<NativePage>((resolve) => reads.push(resolve))
      }
      close() {
        calls.push('close')
      }
    },
    PageReader: class {
      readonly #chunks = ['one\n', 'two\n']
      async fill(buffer: Uint8Array) {
        return Buffer.from(buffer.buffer).write(this.#chunks.shift() ?? '')
      }
    },
  } satisfies Addon
  return { addon, calls, finishRead: () => reads.shift()?.({} as NativePage) }
}

t.test('reads that overlap are one read', async (t) => {
  const { addon, calls, finishRead } = fakeAddon()
  const counter = EgressCounter.open(settings, silent, addon)
  const readings = [counter.read(), counter.read(), counter.read()]
  t.equal(calls.filter((call) => call === 'read').length, 1)
  finishRead()
  for (const reading of await Promise.all(readings)) {
    let text = ''
    for await (const chunk of reading.render(false)) text += Buffer.from(chunk).toString()
    t.equal(text, 'one\ntwo\n', 'each walks the whole page')
  }
  const later = counter.read()
  t.equal(calls.filter((call) => call === 'read').length, 2, 'a later one is its own')
  finishRead()
  await later
})

t.test('a failure to attach one detaches all', async (t) => {
  const { addon, calls } = fakeAddon({ failOn: 'b' })
  t.throws(() => EgressCounter.open(settings, silent, addon), { message: 'no' })
  t.same(calls, ['attach a ethernet', 'attach b ip', 'stop watching', 'close'])
})
