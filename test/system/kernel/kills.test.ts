import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { destination, exporterCommand, program, modes, startExporter } from '../../support/exporter.js'
import { ethernetFrame, Namespace, silence, silentPair } from '../../support/network.js'
import { ipv4 } from '../../support/packets.js'
import { pinFolder, pinsIn } from '../../support/pins.js'

const frames = (count: number) =>
  Array(count)
    .fill(ethernetFrame('0800', ipv4({ to: '203.0.113.1' })))
    .join('\n')

/** Starts the exporter and kills it at a random moment of its start, run or stop. */
async function startAndKill(host: Namespace, flags: string[], round: number): Promise<void> {
  const [file, args] = host.command(...exporterCommand(...flags))
  const child: ChildProcess = spawn(file, args, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await sleep(Math.random() * 700)
  if (round % 3 === 0) {
    child.kill('SIGTERM')
    await sleep(Math.random() * 20)
  }
  child.kill('SIGKILL')
  await exited
}

function cleanup(host: Namespace): string {
  return host.run([...program, 'cleanup'])
}

for (const mode of modes) {
  t.test(`${mode}: after 100 kills at random moments, cleanup removes only ours`, async (t) => {
    // Side by side: a start takes one processor, and waits in between.
    const hosts = [0, 1, 2, 3].map(() => silentPair(t, 'lan0'))
    const flags = ['--interface=lan0', `--bpf.mode=${mode}`]
    await Promise.all(
      hosts.map(async (host) => {
        host.attachForeign(t, 'lan0', 'deny')
        for (let round = 0; round < 25; round++) await startAndKill(host, flags, round)
      }),
    )
    for (const host of hosts) {
      const said = cleanup(host)
      t.match(said, /^(removed the filter on lan0 .*|nothing is left behind)\n$/)
      const filters = host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress'])
      t.notMatch(filters, 'egress_ethernet')
      t.match(filters, 'foreign.o:[deny]')
      const exporter = await startExporter(t, host, ...flags)
      host.traffic('frames lan0', frames(23))
      t.equal(destination(exporter.samples(), '203.0.113.1', 'lan0').packets, 23)
      t.equal(await exporter.stop(), 0)
    }
  })

  t.test(`${mode}: restarts with pins race with interfaces that come, go and are renamed`, async (t) => {
    const host = new Namespace(t, 'race')
    const pins = pinFolder(t, host)
    const flags = ['--interface=lan*', `--bpf.mode=${mode}`, `--bpf.pin-path=${pins}`]
    host.ip('link add lan0 type veth peer name far')
    for (const end of ['lan0', 'far']) silence(host, end)
    const first = await startExporter(t, host, ...flags)
    // Bounded: it ends by itself after some seconds even where nobody stops it.
    const script = `for i in $(seq 300); do
      ip link add lan$((i % 7 + 1)) type veth peer name peer
      ip link set lan$((i % 7 + 1)) name lan$((i % 5 + 20))
      ip link delete lan$((i % 5 + 20))
    done`
    const [file, args] = host.command('sh', '-c', script)
    const churn = spawn(file, args, { stdio: 'ignore' })
    const churned = once(churn, 'exit')
    t.teardown(() => churn.kill())
    await first.stop()
    let sent = 0
    for (let round = 0; round < 20; round++) {
      await startAndKill(host, flags, round)
      host.traffic('frames lan0', frames(7))
      sent += 7
    }
    await churned
    const last = await startExporter(t, host, ...flags)
    t.equal(destination(await last.settled('lan0'), '203.0.113.1', 'lan0').packets, sent)
    const attached = [...last.samples().keys()].filter((series) =>
      series.startsWith('egress_interface_attached'),
    )
    t.same(attached, ['egress_interface_attached{interface="lan0"}'])
    const links = readdirSync(pinsIn(pins)).filter((name) => name.startsWith('tcx-'))
    t.same(links, mode === 'tcx' ? [`tcx-${host.ifindex('lan0')}`] : [])
    await last.stop()
    t.match(cleanup(host), `removed the pins in ${pins}`)
    t.notOk(existsSync(pins))
  })
}
