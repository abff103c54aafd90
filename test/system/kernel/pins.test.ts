import { basename } from 'node:path'
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { eventually, hangMs } from '../../support/await.js'
import {
  destination,
  exporterCommand,
  modes,
  type RunningExporter,
  startExporter,
} from '../../support/exporter.js'
import { Namespace, silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { pinFolder, pinsIn } from '../../support/pins.js'

const frames = (count: number, to = '203.0.113.1') => framesTo(to, count)
const packets = (exporter: RunningExporter, to = '203.0.113.1', device = 'lan0') =>
  destination(exporter.samples(), to, device).packets

/** Runs a command of the exporter's to its end. */
function runToEnd(host: Namespace, ...args: string[]) {
  const [file, command] = host.command(...exporterCommand(...args))
  return spawnSync(file, command, { encoding: 'utf8', timeout: hangMs })
}

for (const mode of modes) {
  t.test(`${mode}: what happened to interfaces meanwhile does not mix counts`, async (t) => {
    const host = silentPair(t, 'lan0')
    const pins = pinFolder(t, host)
    const flags = ['--interface=lan*', `--bpf.mode=${mode}`, `--bpf.pin-path=${pins}`]
    const first = await startExporter(t, host, ...flags)
    host.traffic('frames lan0', frames(23))
    await first.kill()
    host.ip('link set lan0 down')
    host.ip('link set lan0 name lan1')
    host.ip('link set lan1 up')
    const renamed = await startExporter(t, host, ...flags)
    host.traffic('frames lan1', frames(29))
    t.equal(packets(renamed, '203.0.113.1', 'lan0'), 23)
    t.equal(packets(renamed, '203.0.113.1', 'lan1'), 29)
    await renamed.kill()

    host.ip('link delete lan1')
    host.ip('link add lan1 type veth peer name far')
    const replaced = await startExporter(t, host, ...flags)
    for (const end of ['lan1', 'far']) host.run(['sysctl', '-q', '-w', `net.ipv6.conf.${end}.disable_ipv6=1`])
    for (const end of ['far', 'lan1']) host.ip(`link set ${end} up`)
    host.traffic('frames lan1', frames(31))
    t.equal(packets(replaced, '203.0.113.1', 'lan1'), 29 + 31, 'another device of the name goes on')
    t.equal(packets(replaced, '203.0.113.1', 'lan0'), 23, 'the departed one is remembered')
    await replaced.kill()

    const chosen = await startExporter(t, host, '--interface=far', ...flags.slice(1))
    await eventually(() =>
      assert.match(chosen.log().join('\n'), /msg="interface is gone: .*" interface=lan1/),
    )
    host.traffic('frames lan1', frames(37))
    t.equal(packets(chosen, '203.0.113.1', 'lan1'), 60, 'what is not chosen any more is not counted')
    t.equal(host.run(['tc', 'filter', 'show', 'dev', 'lan1', 'egress']), '')
  })
}

t.test('a table of another size is replaced, and the log says what was lost', async (t) => {
  const host = silentPair(t, 'lan0')
  const pins = pinFolder(t, host)
  const flags = ['--interface=lan0', `--bpf.pin-path=${pins}`]
  const first = await startExporter(t, host, ...flags)
  host.traffic('frames lan0', frames(23))
  await first.stop()
  const second = await startExporter(t, host, ...flags, '--destinations.limit=1000')
  t.match(
    second.log().join('\n'),
    /level=warn msg="pins of an earlier run do not fit: its counts are lost" .* reason="its destinations has room for 65536 and not 1000; 1 destinations"/,
  )
  host.traffic('frames lan0', frames(29))
  t.equal(packets(second), 29)
})

t.test('pins of another version are replaced', async (t) => {
  const host = silentPair(t, 'lan0')
  const pins = pinFolder(t, host)
  execFileSync('mkdir', ['-p', `${pins}/v0`])
  for (const name of ['destinations', 'only_in_v0'])
    execFileSync('bpftool', [
      ...['map', 'create', `${pins}/v0/${name}`, 'type', 'array', 'key', '4', 'value', '8'],
      ...['entries', '1', 'name', name],
    ])
  const exporter = await startExporter(t, host, '--interface=lan0', `--bpf.pin-path=${pins}`)
  t.match(exporter.log().join('\n'), 'reason="they are of another version, v0"')
  t.same(readdirSync(pins), [basename(pinsIn(pins))])
})

t.test('where one map is gone, all begin anew, and the log says what was lost', async (t) => {
  const host = silentPair(t, 'lan0')
  const pins = pinFolder(t, host)
  const flags = ['--interface=lan0', `--bpf.pin-path=${pins}`]
  for (const [gone, lost] of [
    ['user_state', 'its user_state is gone; 1 destinations'],
    ['destination_ids', 'its destination_ids is gone'],
  ] as const) {
    const first = await startExporter(t, host, ...flags)
    host.traffic('frames lan0', frames(23))
    t.equal(packets(first), 23)
    await first.stop()
    execFileSync('rm', [`${pinsIn(pins)}/${gone}`])
    const second = await startExporter(t, host, ...flags)
    const complaints = second.log().filter((line) => /level=warn.*pin/.test(line))
    t.equal(complaints.length, 1)
    t.match(
      complaints[0],
      `pins of an earlier run do not fit: its counts are lost" pin_path=${pins} reason="${lost}"`,
    )
    t.equal(packets(second), undefined)
    await second.stop()
    execFileSync('rm', ['-r', pins])
  }
})

t.test('a start that was killed while it pinned is made whole', async (t) => {
  const host = silentPair(t, 'lan0')
  const pins = pinFolder(t, host)
  const flags = ['--interface=lan0', `--bpf.pin-path=${pins}`]
  const first = await startExporter(t, host, ...flags)
  await first.stop()
  execFileSync('rm', [`${pinsIn(pins)}/user_state`])
  const second = await startExporter(t, host, ...flags)
  host.traffic('frames lan0', frames(23))
  t.equal(packets(second), 23)
  await second.settled('lan0').catch(() => undefined)
})

t.test('a folder that cannot be used is explained', async (t) => {
  const host = silentPair(t, 'lan0')
  const pins = pinFolder(t, host)
  const start = (path: string) => runToEnd(host, '--interface=lan0', `--bpf.pin-path=${path}`)
  const complaint = ({ stderr }: { stderr: string }) =>
    stderr.split('\n').filter((line) => line !== '' && !line.startsWith('time='))

  const first = await startExporter(t, host, '--interface=lan0', `--bpf.pin-path=${pins}`)
  const second = start(pins)
  t.equal(second.status, 2)
  t.same(complaint(second), [
    `egress-exporter: --bpf.pin-path ${pins}: process ${first.child.pid} counts there already: stop it, or choose another folder`,
  ])
  host.traffic('frames lan0', frames(23))
  t.equal(packets(first), 23, 'the first counts on')
  await first.stop()

  const elsewhere = new Namespace(t, 'elsewhere')
  elsewhere.ip('link add lan0 type veth peer name far')
  const [file, args] = elsewhere.command(...exporterCommand('--interface=lan0', `--bpf.pin-path=${pins}`))
  const other = spawnSync(file, args, { encoding: 'utf8' })
  t.equal(other.status, 2)
  t.match(complaint(other), [/counts in another network namespace/])

  t.match(complaint(start('/tmp/pins')), [
    /is not on a BPF file system: choose a folder below \/sys\/fs\/bpf/,
  ])
  t.match(complaint(start(`${pins}-not/there`)), [/is not on a BPF file system|does not exist/])
  t.match(complaint(start('pins')), [/'pins' is not usable: write an absolute path/])
  t.match(complaint(start('/sys/fs/bpf/egress.d')), [/whose last name has no dots/])

  const readOnly = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount -o remount,bind,ro /sys/fs/bpf && exec "$@"',
    'sh',
  ]
  const [ro, roArgs] = host.command(
    ...readOnly,
    ...exporterCommand('--interface=lan0', `--bpf.pin-path=${pins}-other`),
  )
  t.match(complaint(spawnSync(ro, roArgs, { encoding: 'utf8' })), [/the BPF file system is read-only here/])
})
