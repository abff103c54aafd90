import { readFileSync } from 'node:fs'
import t from 'tap'
import { loadAddon } from '../../src/kernel/native/addon.js'

const addon = loadAddon()

/** KiB of files that are mapped and in memory. */
const mappedKiB = () => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])

t.test('what the start touched is given back, and what is needed comes again', (t) => {
  const before = mappedKiB()
  addon.releaseStartupPages()
  const after = mappedKiB()
  t.ok(after < 0.8 * before, `${before} KiB, then ${after} KiB`)
  t.equal(new Intl.NumberFormat('de').format(1234.5), '1.234,5')
  t.ok(addon.links().some(({ name }) => name === 'lo'))
  t.end()
})
