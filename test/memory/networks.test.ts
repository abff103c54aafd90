import { join } from 'node:path'
import t from 'tap'
import type { Memory } from '../../src/memory/memory.js'
import { unknownNetwork } from '../../src/networks/network.js'
import { auditLines, contact, openMemory, temporaryFolder } from '../support/memory.js'

t.test('what destinations belong to is remembered, and looked up again where that may have changed', (t) => {
  const files = {
    version: 'a',
    name: 'aws',
    look: () => undefined,
    find: () => ({ ...unknownNetwork, network: files.name, asn: 64_500 }),
  }
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const networkOf = (memory: Memory, destination: string) =>
    memory.find({ interface: 'eth0', destination })?.network
  const { memory, clock } = openMemory(t, folder, { networks: files, auditFile })
  const addresses = Array.from({ length: 5_003 }, (_, n) => `10.0.${n >> 8}.${n & 255}`)
  const [first = '', last = ''] = [addresses[0], addresses.at(-1)]
  memory.record(addresses.map((address) => contact(address)))
  memory.writeAudit()
  t.match(auditLines(auditFile)[0], { destination: first, network: 'aws', asn: 64_500 })
  memory.refresh()
  memory.refresh()
  files.name = 'aws/s3'
  memory.refresh()
  t.equal(networkOf(memory, first), 'aws', 'no file has changed')
  files.version = 'b'
  memory.refresh()
  t.ok(memory.isNaming, 'the rest is yet to come')
  memory.refresh()
  t.notOk(memory.isNaming)
  t.same(new Set(addresses.map((address) => networkOf(memory, address))), new Set(['aws/s3']))
  t.equal(memory.state.announced[0]?.network, 'aws/s3')

  memory.close()
  const { memory: next } = openMemory(t, folder, { clock, networks: files })
  files.name = 'none of it'
  next.refresh()
  t.equal(networkOf(next, last), 'aws/s3', 'it was looked up in these files')
  const { memory: without } = openMemory(t, folder, { clock })
  without.refresh()
  without.refresh()
  t.equal(networkOf(without, last), null)
  t.end()
})

t.test('a network is new once, an address of it is not, and one of no network always is', (t) => {
  const files = {
    version: 'a',
    look: () => undefined,
    find: (destination: string) => ({ ...unknownNetwork, network: names[destination] ?? null }),
  }
  const names: Record<string, string> = { '192.0.2.1': 'cdn', '192.0.2.2': 'cdn', '192.0.2.3': 'mail' }
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const { memory, clock } = openMemory(t, folder, { networks: files, auditFile })
  const novelties = () => memory.state.announced.map(({ novelty }) => novelty)
  memory.record([contact('203.0.113.1')])
  memory.record([contact('192.0.2.1'), contact('192.0.2.2'), contact('203.0.113.2')])
  memory.record([contact('192.0.2.3'), contact('192.0.2.1', { interface: 'eth1' })])
  t.same(novelties(), ['network', 'network', 'address', 'network', 'network', 'address'])
  while (memory.writeAudit());
  t.same(
    auditLines(auditFile).map(({ novelty }) => novelty),
    ['network', 'network', 'address', 'network', 'network', 'address'],
  )
  files.version = 'b'
  memory.record([contact('203.0.113.3')])
  t.equal(novelties().at(-1), null, 'files have changed')
  memory.close()
  const { memory: next } = openMemory(t, folder, { clock, networks: files })
  next.refresh()
  next.record([contact('192.0.2.3', { interface: 'eth1' })])
  t.equal(next.state.announced.at(-1)?.novelty, 'address', 'it was known before')
  t.end()
})
