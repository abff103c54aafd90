import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eventually } from '../../support/await.js'
import {
  destination,
  exporterCommand,
  program,
  modes,
  type RunningExporter,
  startExporter,
} from '../../support/exporter.js'
import { addresses, createNetwork, type Namespace, silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { pinFolder } from '../../support/pins.js'

/** Emulated machines start the exporter in seconds, and do with fewer. */
const rounds = Number(process.env['EGRESS_TEST_ROUNDS'] ?? 50)
/** About how long the exporter takes to start. */
const startMs = Number(process.env['EGRESS_TEST_START_MS'] ?? 500)

const frames = (count: number, to = '203.0.113.1') => framesTo(to, count)
const packets = (exporter: RunningExporter, to = '203.0.113.1', device = 'lan0') =>
  destination(exporter.samples(), to, device).packets

function cleanup(host: Namespace, ...flags: string[]): string {
  return host.run([...program, 'cleanup', ...flags])
}

for (const mode of modes) {
  t.test(`${mode}: counting goes on without the exporter, and the next start continues`, async (t) => {
    const host = silentPair(t, 'lan0')
    const pins = pinFolder(t, host)
    const flags = ['--interface=lan0', `--bpf.mode=${mode}`, `--bpf.pin-path=${pins}`]
    const first = await startExporter(t, host, ...flags)
    host.traffic('frames lan0', frames(23))
    const firstSeen =
      'egress_destination_first_seen_timestamp_seconds{interface="lan0",destination="203.0.113.1"}'
    // Pages show what the memory has: on a slow machine not the first.
    const seen = await eventually(() => {
      const found = first.samples().get(firstSeen)
      assert.ok(found)
      return found
    })
    t.equal(await first.stop(), 0)
    t.match(first.log().at(-1), `msg="counting goes on without the exporter, by its pins" pin_path=${pins}`)

    host.traffic('frames lan0', frames(29))
    const second = await startExporter(t, host, ...flags)
    t.match(second.log().join('\n'), /msg="going on with pinned counts" .*lan0/)
    t.equal(packets(second), 23 + 29, 'after an ordered stop')
    t.equal(second.samples().get(firstSeen), seen)
    await second.kill()
    host.traffic('frames lan0', frames(31))
    host.traffic('frames lan0', frames(37, '203.0.113.2'))
    const third = await startExporter(t, host, ...flags)
    t.equal(packets(third), 23 + 29 + 31, 'after a kill')
    const settled = await third.settled('lan0')
    t.equal(destination(settled, '203.0.113.2', 'lan0').packets, 37, 'a destination that came meanwhile')

    const inUse = cleanup(host)
    t.match(inUse, `left alone: the pins in ${pins}`)
    t.match(inUse, `which process ${third.child.pid} uses`)
    t.equal(packets(third), 23 + 29 + 31)
    await third.stop()
    t.match(cleanup(host, '--dry-run'), `would remove the pins in ${pins}`)
    t.ok(existsSync(pins))
    t.match(cleanup(host), `removed the pins in ${pins}`)
    t.notOk(existsSync(pins))
    t.equal(host.run(['tc', 'qdisc', 'show', 'dev', 'lan0', 'clsact']), '', 'the qdisc was ours')
    const fresh = await startExporter(t, host, ...flags)
    t.equal(packets(fresh), undefined)
  })

  t.test(
    `${mode}: not one packet is lost or counted twice over 50 kills`,
    { timeout: 300_000 },
    async (t) => {
      const network = createNetwork(t)
      const { host } = network
      const pins = pinFolder(t, host)
      const flags = ['--interface=veth0', `--bpf.mode=${mode}`, `--bpf.pin-path=${pins}`]
      const first = await startExporter(t, host, ...flags)
      network.up()
      const sender = await host.startTraffic(t, `stream ${addresses.peer.v4} 9 1000`)
      await first.kill()
      // Kills that come while it loads the program, while it attaches, while it serves, and while it stops.
      const [file, args] = host.command(...exporterCommand(...flags))
      let counted = 0
      for (let round = 0; round < rounds; round++) {
        if (round % 10 === 4) {
          const serving = await startExporter(t, host, ...flags)
          const now = packets(serving, addresses.peer.v4, 'veth0') ?? 0
          assert.ok(now >= counted, `a counter went backwards: ${now} after ${counted}`)
          counted = now
          await serving.kill()
          continue
        }
        const child = spawn(file, args, { stdio: 'ignore' })
        const exited = once(child, 'exit')
        await sleep(Math.random() * startMs)
        if (round % 3 === 0) {
          child.kill('SIGTERM')
          await sleep(Math.random() * 20)
        }
        child.kill('SIGKILL')
        await exited
      }
      sender.child.kill('SIGTERM')
      await sender.ended
      const last = await startExporter(t, host, ...flags)
      // All that the device sent, at one moment.
      const samples = await last.settled()
      t.equal(destination(samples, addresses.peer.v4).packets, Number(sender.lines.at(-1)))
      t.match(cleanup(host), 'left alone')
      await last.stop()
      cleanup(host)
      t.equal(host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress']), '')
      t.notOk(existsSync(pins))
    },
  )
}
