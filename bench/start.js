// How long the exporter takes from its process's start to the first packet that it counts, and what it
// weighs when nothing happens.
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { inNamespace } from './lab.js'
import { againstLimit } from './statistics.js'

const destination = '192.0.2.2'
/** A packet each millisecond for two seconds. */
const sender = `
import socket, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(2000):
    sender.sendto(b'', ('${destination}', 9))
    time.sleep(0.001)
`

/** @returns rows of { what, theirs, ours, ratio, target, note } */
export async function measureStart(rounds) {
  const starts = []
  const memory = []
  for (let round = 0; round < rounds; round++) {
    await inNamespace(async (lab) => {
      lab.run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'bench0')
      lab.run('ip', 'neigh', 'add', destination, 'lladdr', '02:00:00:00:00:02', 'dev', 'bench0')
      const sending = lab.start(['python3', '-c', sender], 'ignore')
      const began = Date.now()
      const exporter = await lab.startExporter(0)
      await setTimeout(1000)
      memory.push(exporter.memoryMiB())
      await once(sending, 'exit')
      const page = lab.run('curl', '--silent', '--fail', exporter.url)
      const firstSeen = new RegExp(`^egress_destination_first_seen.*"${destination}"} (\\S+)$`, 'm').exec(
        page,
      )
      starts.push(Number(firstSeen[1]) * 1000 - began)
    })
  }
  const addonKiB = Math.round(statSync('build/Release/egress.node').size / 1024)
  return [
    againstLimit('start of the process to the first packet counted: ms', 300, starts),
    againstLimit('MiB resident when idle', 76, memory, `addon of ${addonKiB} KiB`),
  ]
}
