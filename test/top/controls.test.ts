import t from 'tap'
import { type Controls, press } from '../../src/top/controls.js'
import type { DestinationsList } from '../../src/destinations/list.js'

const list = {
  matched: 120,
  interfaces: [{ interface: 'eth0' }, { interface: 'wg0' }],
} as unknown as DestinationsList
const start: Controls = {
  query: { sort: '-bytes_per_second', limit: 50, offset: 0 },
  paused: false,
  typing: undefined,
  done: false,
}
/** What keys make of the beginning, each by its name or its letter. */
const after = (...keys: string[]) =>
  keys.reduce(
    (controls, key) => press(controls, { name: key, text: key.length === 1 ? key : '' }, list),
    start,
  )

t.equal(after('q').done, true)
t.equal(after('interrupt').done, true)
t.equal(after('/', 'interrupt').done, true)
t.equal(after('s').query.sort, '-packets_per_second')
t.equal(after('s', 's', 's', 's', 's').query.sort, 'destination', 'names from the first on')
t.equal(after('s', 's', 's', 's', 's', 's').query.sort, '-bytes_per_second')
t.equal(after('r').query.sort, 'bytes_per_second')
t.equal(after('r', 'r').query.sort, '-bytes_per_second')
t.equal(after('i').query.interface, 'eth0')
t.equal(after('i', 'i', 'i').query.interface, '')
t.equal(after('n').query.status, 'new')
t.equal(after('n', 'n').query.status, '')
t.equal(after('space').paused, true)
t.equal(after('down', 'down').query.offset, 2)
t.equal(after('up').query.offset, 0)
t.equal(after('pagedown', 'pagedown', 'pagedown').query.offset, 70, 'the end is at the bottom')
t.equal(after('pagedown', 'pageup').query.offset, 0)
t.equal(after('pagedown', 'home').query.offset, 0)
t.equal(after('pagedown', 's').query.offset, 0)
t.equal(after('/', '1', '9', 'q').typing, '19q', 'letters are no commands there')
t.equal(after('/', '1', '9', 'backspace').typing, '1')
t.match(after('/', '1', '9', 'return'), { typing: undefined, query: { search: '19' } })
t.match(after('/', '1', 'return', '/', '9', 'escape'), { typing: undefined, query: { search: '1' } })
t.equal(after('/', '1', 'return', 'escape').query.search, '')
t.same(after('x'), start)
