import t from 'tap'
import { ServiceManager } from '../../src/cli/service-manager.js'

/** A manager, what it was told, and what the log says of it. */
function manager(environment: Record<string, string>, fails = false) {
  const told: [socket: string, message: string][] = []
  const warnings: unknown[] = []
  const system = {
    notifyServiceManager(socket: string, message: string) {
      told.push([socket, message])
      if (fails) throw new Error('notify service manager /gone: No such file or directory')
    },
  }
  const log = { warn: (...words: unknown[]) => void warnings.push(words) }
  return { subject: new ServiceManager(system, log as never, environment), told, warnings }
}

t.test('each state is one datagram', (t) => {
  const { subject, told } = manager({ NOTIFY_SOCKET: '/run/systemd/notify' })
  subject.ready('counts')
  subject.reloading()
  subject.stopping()
  t.same(
    told.map(([socket]) => socket),
    Array(3).fill('/run/systemd/notify'),
  )
  const [ready, reloading, stopping] = told.map(([, message]) => message)
  t.equal(ready, 'READY=1\nSTATUS=counts')
  t.match(reloading, /^RELOADING=1\nMONOTONIC_USEC=\d+$/)
  t.equal(stopping, 'STOPPING=1')
  t.end()
})

t.test('nobody asked', (t) => {
  const { subject, told } = manager({})
  subject.ready('counts')
  subject.stopping()
  t.same(told, [])
  t.end()
})

t.test('one that does not listen is complained of once', (t) => {
  const { subject, told, warnings } = manager({ NOTIFY_SOCKET: '/gone' }, true)
  subject.ready('counts')
  subject.stopping()
  t.equal(told.length, 2)
  t.match(warnings, [[{ reason: /No such file/ }, 'cannot tell the service manager']])
  t.equal(warnings.length, 1)
  t.end()
})

t.test('the watchdog', async (t) => {
  const { setInterval } = globalThis
  const asked: number[] = []
  const capture = ((act: () => void, ms: number) => {
    asked.push(ms)
    act()
    return setInterval(() => undefined, 1e6)
  }) as typeof setInterval
  t.teardown(() => (globalThis.setInterval = setInterval))
  globalThis.setInterval = capture
  const own = { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }
  const pinged = manager(own)
  pinged.subject.close()
  t.same(asked, [10_000], 'three times in its time')
  t.same(pinged.told, [['@x', 'WATCHDOG=1']])
  for (const environment of [
    { ...own, WATCHDOG_PID: '999999999' },
    { ...own, WATCHDOG_USEC: 'soon' },
    { NOTIFY_SOCKET: '@x' },
  ])
    manager(environment).subject.close()
  t.same(asked, [10_000], 'another process is meant, or none')
})
