import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import {
  closedSum,
  destination,
  startExporter,
  startExporterWith,
  total,
  unlisted,
} from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { pinFolder } from '../../support/pins.js'
import { compilePreload } from '../../support/preload.js'

const to = '203.0.113.7'
const frames = (count: number) => framesTo(to, count)

t.test('a kill while a record retires leaves one series a destination, and no packet is lost', async (t) => {
  const host = silentPair(t, 'lan0')
  const folder = temporaryFolder(t)
  const hold = join(folder, 'hold')
  const library = compilePreload(folder, 'held_grace_period.c')
  const flags = ['--interface=lan0', `--bpf.pin-path=${pinFolder(t, host)}`]

  Object.assign(process.env, { LD_PRELOAD: library, HOLD: hold })
  const first = await startExporter(t, host, ...flags, '--destinations.idle-timeout=1s')
  delete process.env['LD_PRELOAD']
  delete process.env['HOLD']
  host.traffic('frames lan0', frames(23))
  t.equal(destination(first.samples(), to, 'lan0').packets, 23)
  writeFileSync(hold, '')
  await eventually(() => assert.ok(existsSync(`${hold}.held`)))
  // Its record is being retired: this makes another of the same key.
  host.traffic('frames lan0', frames(29))
  await first.kill()
  rmSync(hold)

  const second = await startExporter(t, host, ...flags)
  const lines = (name: string) =>
    second
      .get()
      .split('\n')
      .filter((line) => line.startsWith(`${name}{interface="lan0",destination="${to}"}`))
  for (const sent of [31, 37]) {
    host.traffic('frames lan0', frames(sent))
    for (const name of ['egress_packets_total', 'egress_destination_first_seen_timestamp_seconds'])
      t.equal(lines(name).length, 1, name)
  }
  const samples = await second.settled('lan0')
  t.equal(destination(samples, to, 'lan0').packets, 29 + 31 + 37)
  t.equal(unlisted(samples, 'expired', 'lan0').packets, 23)
  t.same(closedSum(samples, 'lan0'), total(samples, 'lan0'))
  t.equal(samples.get('egress_destinations{interface="lan0"}'), 1)
})

t.test('a stop that a sweep holds up detaches all the same', async (t) => {
  const host = silentPair(t, 'lan0')
  const folder = temporaryFolder(t)
  const hold = join(folder, 'hold')
  const env = { LD_PRELOAD: compilePreload(folder, 'held_grace_period.c'), HOLD: hold }
  const flags = ['--interface=lan0', '--bpf.mode=clsact', '--destinations.idle-timeout=1s']
  const exporter = await startExporterWith(t, host, { env }, ...flags)
  const filters = () => host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress'])
  t.match(filters(), 'egress_ethernet')
  host.traffic('frames lan0', frames(19))
  t.equal(destination(exporter.samples(), to, 'lan0').packets, 19)
  writeFileSync(hold, '')
  await eventually(() => assert.ok(existsSync(`${hold}.held`)))
  await exporter.stop()
  t.notMatch(filters(), 'egress_ethernet')
  t.ok(existsSync(hold), 'the sweep still waited')
})
