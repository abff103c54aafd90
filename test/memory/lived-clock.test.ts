import { join } from 'node:path'
import t from 'tap'
import { LivedClock } from '../../src/memory/lived-clock.js'
import { announced, auditLines, contact, openMemory, temporaryFolder, TestClock } from '../support/memory.js'

const day = 86_400_000
const year = 365 * day

t.test('time is lived while the host is up, whatever the wall clock does', (t) => {
  const host = new TestClock()
  const clock = new LivedClock(undefined, host.now())
  host.pass(3_000)
  host.step(-year)
  t.equal(clock.at(host.now()), 3_000)
  clock.look(host.now())
  host.step(2 * year)
  host.pass(4_000)
  t.equal(clock.at(host.now()), 7_000)
  clock.look(host.now())
  t.equal(new LivedClock(clock.saved, host.now()).at(host.now()), 7_000)
  host.pass(5_000)
  t.equal(new LivedClock(clock.saved, host.now()).at(host.now()), 12_000, 'the exporter was stopped')
  host.reboot(year, 11_000)
  t.equal(new LivedClock(clock.saved, host.now()).at(host.now()), 18_000, 'the host was down')
  t.end()
})

t.test('a step is told with its size, steering and sleep are none', (t) => {
  const host = new TestClock()
  const clock = new LivedClock(undefined, host.now())
  host.pass(5_000)
  host.step(1_900)
  t.equal(clock.look(host.now()), 0)
  host.pass(5_000)
  host.step(-3_600_000)
  t.equal(clock.look(host.now()), -3_600_000)
  host.pass(5_000)
  t.equal(clock.look(host.now()), 0)
  const slept = { ...host.now(), wallMs: host.now().wallMs + day, uptimeMs: host.now().uptimeMs + day }
  t.equal(clock.look(slept), 0)
  t.end()
})

for (const [what, step] of [
  ['ahead', 500 * day],
  ['back', -500 * day],
] as const) {
  t.test(
    `a clock that is wrong for seconds, ${what}: nothing is forgotten or new, and times are mended`,
    (t) => {
      const folder = temporaryFolder(t)
      const { memory, clock, log } = openMemory(t, folder, { retentionMs: 400 * day, baselineMs: 1_000 })
      const see = (destination: string, record: string) => {
        const { wallMs } = clock.now()
        memory.record([contact(destination, { firstSeenMs: wallMs, lastSeenMs: wallMs, record })])
      }
      const right = clock.now().wallMs
      see('192.0.2.1', '1')
      clock.pass(2_000)
      see('192.0.2.2', '2')
      clock.step(step)
      clock.pass(500)
      memory.refresh()
      t.match(log.lines.at(-1), ['warn', /^the clock was set/, { step_seconds: step / 1000 }])
      see('192.0.2.3', '3')
      clock.step(-step)
      clock.pass(500)
      memory.refresh()
      clock.pass(61_000)
      memory.refresh()
      t.same(announced(memory), ['192.0.2.2', '192.0.2.3'])
      const first = (destination: string) => memory.find({ interface: 'eth0', destination })?.firstSeenMs
      t.same(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(first), [right, right + 2_000, right + 2_500])
      t.equal(memory.state.baselineEndMs, right + 1_000)
      t.end()
    },
  )
}

t.test('a first start in 1970: learning goes on, and times are mended after NTP', (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = openMemory(t, folder, { retentionMs: 400 * day, baselineMs: day })
  memory.record([contact('192.0.2.1', { firstSeenMs: clock.now().wallMs, lastSeenMs: clock.now().wallMs })])
  clock.pass(30_000)
  clock.step(56 * year)
  memory.refresh()
  memory.record([contact('192.0.2.2', { record: '2' })])
  t.same(announced(memory), [], 'the baseline is not over')
  t.equal(memory.state.baselineEndMs, clock.now().wallMs + day - 30_000)
  clock.pass(61_000)
  memory.refresh()
  const known = memory.find({ interface: 'eth0', destination: '192.0.2.1' })
  t.equal(known?.firstSeenMs, clock.now().wallMs - 91_000)
  clock.pass(day)
  memory.record([contact('192.0.2.3', { record: '3' })])
  t.same(announced(memory), ['192.0.2.3'], 'and it ends')
  t.end()
})

t.test('the table is told which first contacts were mended', (t) => {
  const { memory, clock } = openMemory(t, temporaryFolder(t))
  const { wallMs } = clock.now()
  const seen = contact('192.0.2.1', { firstSeenMs: wallMs, lastSeenMs: wallMs })
  memory.record([seen])
  clock.pass(1_000)
  t.same(memory.update([seen]), [])
  clock.step(year)
  memory.refresh()
  clock.pass(61_000)
  memory.refresh()
  t.same(memory.update([seen]), [{ index: 0, firstSeenMs: wallMs + year }])
  t.end()
})

t.test('between two runs: a wrong clock neither forgets nor announces, and is told', (t) => {
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit')
  const first = openMemory(t, folder, { retentionMs: 400 * day, auditFile })
  first.memory.record([contact('192.0.2.1'), contact('192.0.2.2')])
  first.memory.close()
  const { clock } = first
  for (const step of [730 * day, -1_460 * day, 730 * day]) {
    clock.step(step)
    clock.pass(3_000)
    const { memory, log } = openMemory(t, folder, { retentionMs: 400 * day, clock, auditFile })
    t.ok(log.lines.some(([, words]) => words.startsWith('the clock was set')))
    memory.refresh()
    memory.record([contact('192.0.2.1', { record: '2' })])
    t.same(announced(memory), ['192.0.2.1', '192.0.2.2'])
    memory.close()
  }
  t.same(
    auditLines(auditFile).map(({ event }) => event),
    ['first_contact', 'first_contact'],
  )
  t.end()
})

t.test('a host that hides its boot id lives on as well', (t) => {
  const folder = temporaryFolder(t)
  const hidden = new TestClock()
  const { now } = hidden
  const clock = Object.assign(hidden, { now: () => ({ ...now(), bootId: '' }) })
  const { memory } = openMemory(t, folder, { clock, baselineMs: 10_000 })
  memory.close()
  clock.pass(9_000)
  const again = openMemory(t, folder, { clock }).memory
  again.record([contact('192.0.2.1')])
  t.same(announced(again), [])
  clock.pass(1_000)
  again.record([contact('192.0.2.2')])
  t.same(announced(again), ['192.0.2.2'])
  t.end()
})
