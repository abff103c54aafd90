import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { destination, modes, type RunningExporter, startExporter } from '../../support/exporter.js'
import { type Namespace, silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { pinFolder, pinsIn } from '../../support/pins.js'

const to = '203.0.113.1'
const send = (host: Namespace, device: string, count: number) =>
  host.traffic(`frames ${device}`, framesTo(to, count))
const packets = (exporter: RunningExporter, device: string) =>
  destination(exporter.samples(), to, device).packets
const attached = (exporter: RunningExporter, device: string) =>
  eventually(() =>
    assert.equal(exporter.samples().get(`egress_interface_attached{interface="${device}"}`), 1),
  )
const logged = (exporter: RunningExporter, pattern: RegExp) =>
  eventually(() => assert.match(exporter.log().join('\n'), pattern))

/** A second interface, silent as the first. */
function addInterface(host: Namespace): void {
  host.ip('link add lan1 type veth peer name far1')
  for (const end of ['lan1', 'far1']) host.run(['sysctl', '-q', '-w', `net.ipv6.conf.${end}.disable_ipv6=1`])
  for (const end of ['far1', 'lan1']) host.ip(`link set ${end} up`)
}

const addon = fileURLToPath(new URL('../../../build/Release/egress.node', import.meta.url))

/** How many programs and filters see what leaves a device. */
function programsAt(host: Namespace, device: string): number {
  const [{ ifindex }] = JSON.parse(host.run(['ip', '-json', 'link', 'show', device])) as [{ ifindex: number }]
  const script = `const a = require(${JSON.stringify(addon)});
    console.log(a.tcxChain(${ifindex}, 'it').length + a.clsactFilters(${ifindex}).length)`
  return Number(host.run([process.execPath, '-e', script]))
}

for (const mode of modes) {
  t.test(`${mode}: pins that somebody removes are there again, also after a new interface`, async (t) => {
    const host = silentPair(t, 'lan0')
    const pins = pinFolder(t, host)
    const flags = ['--interface=lan*', `--bpf.mode=${mode}`, `--bpf.pin-path=${pins}`]
    const first = await startExporter(t, host, ...flags)
    send(host, 'lan0', 23)
    t.equal(first.samples().get('egress_pinned'), 1)
    const before = readdirSync(pinsIn(pins))
    rmSync(pins, { recursive: true })
    addInterface(host)
    await attached(first, 'lan1')
    send(host, 'lan1', 29)
    await logged(
      first,
      /level=warn msg="somebody removed these pins: pinned anew" pin_path=\S+ pins=\S*destinations/,
    )
    await eventually(() => {
      const links = mode === 'tcx' ? 1 : 0
      assert.equal(readdirSync(pinsIn(pins)).length, before.length + links)
    })
    t.equal(first.samples().get('egress_pinned'), 1)

    // One alone, and at the stop.
    rmSync(`${pinsIn(pins)}/user_state`)
    await first.stop()
    t.match(first.log().at(-1), /counting goes on without the exporter, by its pins/)
    send(host, 'lan0', 31)
    send(host, 'lan1', 37)
    const second = await startExporter(t, host, ...flags)
    t.equal(packets(second, 'lan0'), 23 + 31)
    t.equal(packets(second, 'lan1'), 29 + 37)
    t.same(
      second.log().filter((line) => /level=warn.*pin/.test(line)),
      [],
    )
  })

  t.test(`${mode}: where others have the place, it counts on, and says what that is worth`, async (t) => {
    const host = silentPair(t, 'lan0')
    const pins = pinFolder(t, host)
    const exporter = await startExporter(
      t,
      host,
      '--interface=lan*',
      `--bpf.mode=${mode}`,
      `--bpf.pin-path=${pins}`,
    )
    rmSync(`${pinsIn(pins)}/user_state`)
    const theirs = ['type', 'array', 'key', '4', 'value', '8', 'entries', '1', 'name', 'theirs']
    execFileSync('bpftool', ['map', 'create', `${pinsIn(pins)}/user_state`, ...theirs])
    await logged(
      exporter,
      /level=warn msg="these cannot be pinned: what they count ends with the exporter" \S+ pins=user_state reason="pin \S+user_state: File exists"/,
    )
    t.equal(exporter.samples().get('egress_pinned'), 0)
    addInterface(host)
    await attached(exporter, 'lan1')
    send(host, 'lan1', 29)
    t.equal(packets(exporter, 'lan1'), 29)
    t.equal(programsAt(host, 'lan1'), 1)
    await exporter.stop()
    t.match(exporter.log().at(-1), /level=warn msg="counting ends where it is not pinned"/)
    t.equal(exporter.log().filter((line) => line.includes('cannot be pinned')).length, 1, 'said once')
    for (const device of ['lan0', 'lan1']) t.equal(programsAt(host, device), 0, device)
    t.match(
      execFileSync('bpftool', ['map', 'show', 'pinned', `${pinsIn(pins)}/user_state`], { encoding: 'utf8' }),
      'theirs',
    )
  })
}

t.test('a pin whose place is free again is there again', async (t) => {
  const host = silentPair(t, 'lan0')
  const pins = pinFolder(t, host)
  const exporter = await startExporter(t, host, '--interface=lan0', `--bpf.pin-path=${pins}`)
  const userState = `${pinsIn(pins)}/user_state`
  rmSync(userState)
  const theirs = ['type', 'array', 'key', '4', 'value', '8', 'entries', '1', 'name', 'theirs']
  execFileSync('bpftool', ['map', 'create', userState, ...theirs])
  const pinned = (is: number) =>
    eventually(() => assert.equal(exporter.samples().get('egress_pinned'), is, exporter.log().at(-1)))
  await pinned(0)
  rmSync(userState)
  await pinned(1)
  t.match(
    execFileSync('bpftool', ['map', 'show', 'pinned', userState], { encoding: 'utf8' }),
    / name user_state /,
  )
})
