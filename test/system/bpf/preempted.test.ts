import { execFileSync } from 'node:child_process'
import { release, version } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startExporter } from '../../support/exporter.js'
import { bpftool, findMap } from '../../support/maps.js'
import { temporaryFolder } from '../../support/memory.js'
import { silentPair } from '../../support/network.js'

interface Counts {
  readonly packets: number
  readonly bytes: number
}

const source = fileURLToPath(new URL('../../support/preempted.c', import.meta.url))
/** Before each addition is stored: without it, a packet comes in between once in ten thousand. */
const window = '-DEGRESS_WINDOW=for (int i = 0; i < 100; i++) bpf_ktime_get_ns()'
const packetBytes = 14 + 20 + 8 + 7
const to = '198.18.0.2'

const isPreemptRt = version().includes('PREEMPT_RT')
/** Since 6.18 bottom halves exclude nobody there (bpf/counters.bpf.h). */
const [major = 0, minor = 0] = release().split('.').map(Number)
const losesPlainAdditions = isPreemptRt && (major > 6 || (major === 6 && minor >= 18))

const folder = temporaryFolder(t)
const program = join(folder, 'preempted')
execFileSync('sh', ['scripts/build-bpf.sh', folder, window])
const flags = ['-O1', '-Wall', '-Werror', '-Ibpf', `-I${folder}`, '-pthread']
execFileSync('gcc', [...flags, '-o', program, source, '-lbpf'])

type Tap = Pick<typeof t, 'teardown' | 'same' | 'comment'>

/** What is lost of the packets that threads of several priorities send on one CPU, and of their bytes: in
 * the interface's total, and in the destination's counts. */
function lost(t: Tap, atomic: boolean): number[] {
  const host = silentPair(t, 'lan0')
  host.ip('addr add 198.18.0.1/24 dev lan0')
  host.ip(`neigh replace ${to} lladdr 02:00:00:00:00:02 dev lan0 nud permanent`)
  const before = host.sent('lan0')
  const words = host.run([program, 'lan0', to, String(atomic)])
  const { sent, total, listed }: { sent: number; total: Counts; listed: Counts } = JSON.parse(words)
  const after = host.sent('lan0')
  const device = { packets: after.packets - before.packets, bytes: after.bytes - before.bytes }
  t.comment(`${sent} packets; total ${total.packets}, listed ${listed.packets}`)
  t.same(device, { packets: sent, bytes: sent * packetBytes }, 'the device says the same')
  return [total, listed].flatMap(({ packets, bytes }) => [device.packets - packets, device.bytes - bytes])
}

const expected = losesPlainAdditions ? 'lose some' : 'lose none, as the kernel lets no packet in between'

t.test(`packets of one CPU: plain additions ${expected}`, async (t) => {
  const differences = lost(t, false)
  if (losesPlainAdditions) for (const difference of differences) t.ok(difference > 0, `${difference} lost`)
  else t.same(differences, [0, 0, 0, 0])
})

t.test('packets of one CPU: atomic additions lose none', async (t) => {
  t.same(lost(t, true), [0, 0, 0, 0])
})

t.test('the exporter adds atomically on PREEMPT_RT, and only there', async (t) => {
  const host = silentPair(t, 'lan0')
  const { child } = await startExporter(t, host, '--interface=lan0')
  const [{ formatted }] = bpftool('map', 'dump', 'id', findMap(child.pid ?? 0, 'egress_b.rodata'))
  const constants = Object.assign({}, ...formatted.value['.rodata']) as Record<string, unknown>
  t.equal(constants['preempt_rt'], isPreemptRt)
})
