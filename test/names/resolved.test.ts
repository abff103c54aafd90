import assert from 'node:assert/strict'
import { join } from 'node:path'
import dnsPacket, { type Answer } from 'dns-packet'
import t from 'tap'
import { toMessage } from '../../src/names/resolved-answer.js'
import { ResolvedMonitor } from '../../src/names/resolved-monitor.js'
import { eventually } from '../support/await.js'
import { temporaryFolder } from '../support/memory.js'
import { fakeResolved, ready, resolvedReply } from '../support/resolved.js'

/** A cached answer lists the address before the alias. */
const answers: Answer[] = [
  { type: 'A', name: 'edge.test', ttl: 300, data: '203.0.113.7' },
  { type: 'CNAME', name: 'www.example.test', ttl: 300, data: 'edge.test' },
]
const reply = resolvedReply('www.example.test', answers)

t.test('what it says is what would be on the wire', async (t) => {
  const message = toMessage(reply.parameters)
  const packet = dnsPacket.decode(message ?? Buffer.alloc(0))
  t.equal(packet.type, 'response')
  t.same(packet.questions, [{ name: 'www.example.test', type: 'A', class: 'IN' }])
  t.match(packet.answers, answers)
  t.same(
    toMessage({ ...reply.parameters, question: [{ class: 1, type: 1, name: 'www.example.test.' }] }),
    message,
  )
})

t.test('a query that failed says nothing', async (t) => {
  t.equal(toMessage({ state: 'rcode-failure', question: null, answer: null }), undefined)
  t.equal(toMessage({ state: 'timeout' }), undefined)
})

t.test('what it should not say is refused', async (t) => {
  const { parameters } = reply
  const question = (one: object) => ({ ...parameters, question: [{ class: 1, type: 1, name: 'a', ...one }] })
  const answer = (raw: unknown) => ({ ...parameters, answer: [{ raw }] })
  const wrong = [
    {},
    { ...parameters, state: 7 },
    { ...parameters, question: null },
    { ...parameters, question: [] },
    { ...parameters, question: [null] },
    { ...parameters, answer: {} },
    { ...parameters, answer: [7] },
    ...[7, '', '.', 'a..b', `${'x'.repeat(64)}.test`].map((name) => question({ name })),
    ...[-1, 65_536, 1.5, '1'].map((type) => question({ type })),
    ...['', '*', 'AAAA\n', 7, undefined].map(answer),
    answer(Buffer.alloc(65_536).toString('base64')),
    { ...parameters, answer: Array.from({ length: 65_536 }, () => ({ raw: 'AA==' })) },
  ]
  for (const one of wrong) t.throws(() => toMessage(one), JSON.stringify(one).slice(0, 80))
})

function listener() {
  const heard = { answers: [] as Buffer[], malformed: 0, ended: [] as string[] }
  return {
    heard,
    answer: (message: Buffer) => void heard.answers.push(message),
    malformed: () => void heard.malformed++,
    ended: (reason: string) => void heard.ended.push(reason),
  }
}

t.test('it is subscribed to once, and heard until it goes', async (t) => {
  const path = join(temporaryFolder(t), 'monitor')
  const resolved = await fakeResolved(t, path)
  const { heard, ...told } = listener()
  const monitor = new ResolvedMonitor(told, path)
  await monitor.ready
  t.same(resolved.asked(), {
    method: 'io.systemd.Resolve.Monitor.SubscribeQueryResults',
    parameters: {},
    more: true,
  })
  const failed = { parameters: { state: 'timeout' }, continues: true }
  resolved.say(reply, failed, '{', 'null', { parameters: { state: 'success' } }, reply)
  await eventually(() => assert.equal(heard.answers.length, 2))
  t.same(heard.answers[0], toMessage(reply.parameters))
  t.equal(heard.malformed, 3)
  resolved.stop()
  await eventually(() => assert.equal(heard.ended.length, 1))
})

t.test('one that is none is refused, and says why', async (t) => {
  const path = join(temporaryFolder(t), 'monitor')
  const none = new ResolvedMonitor(listener(), path)
  await t.rejects(none.ready, /ENOENT/)
  await fakeResolved(t, path, { error: 'io.systemd.Resolve.Monitor.NotSupported' })
  await t.rejects(
    new ResolvedMonitor(listener(), path).ready,
    /it says io\.systemd\.Resolve\.Monitor\.NotSupported/,
  )
  const other = join(temporaryFolder(t), 'monitor')
  await fakeResolved(t, other, reply)
  await t.rejects(new ResolvedMonitor(listener(), other).ready, /something else/)
})

t.test('one that never comes to an end takes no more than a megabyte', async (t) => {
  const path = join(temporaryFolder(t), 'monitor')
  const resolved = await fakeResolved(t, path)
  const { heard, ...told } = listener()
  const monitor = new ResolvedMonitor(told, path)
  await monitor.ready
  resolved.say('x'.repeat(1_100_000))
  await eventually(() => assert.deepEqual(heard.ended, ['it says more than it should']))
  t.equal(heard.malformed, 0)
})

t.test('after it was closed nothing is heard', async (t) => {
  const path = join(temporaryFolder(t), 'monitor')
  await fakeResolved(t, path, ready)
  const { heard, ...told } = listener()
  const monitor = new ResolvedMonitor(told, path)
  await monitor.ready
  monitor.close()
  monitor.close()
  await eventually(() => assert.equal(heard.ended.length, 1))
})
