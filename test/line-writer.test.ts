import t from 'tap'
import { LineWriter } from '../src/line-writer.js'

/** A reader that takes so many bytes, all of them, or fails; and what it has got. */
function reader() {
  const told: number[] = []
  const state = { room: Infinity, error: undefined as Error | undefined, text: '' }
  const lines = new LineWriter({
    write: (bytes) => {
      if (state.error) throw state.error
      const taken = Math.min(state.room, bytes.length)
      state.room -= taken
      state.text += Buffer.from(bytes.subarray(0, taken)).toString('latin1')
      return taken
    },
    flowsAgain: (lost) => told.push(lost),
  })
  return { state, told, lines }
}
const line = (name: string, length = 100) => `${name.padEnd(length - 1, '.')}\n`

t.test('each line at once', async (t) => {
  const { state, lines } = reader()
  lines.write('one\n')
  t.equal(state.text, 'one\n')
  lines.write('two\n')
  t.equal(state.text, 'one\ntwo\n')
  t.equal(lines.lost, 0)
})

t.test('a line cut short is ended before the next begins', async (t) => {
  const { state, told, lines } = reader()
  for (let room = 0; room <= 8; room++) {
    state.text = ''
    state.room = room
    lines.write('one\n')
    lines.write('two\n')
    t.equal(state.text, 'one\ntwo\n'.slice(0, room))
    state.room = Infinity
    lines.write('six\n')
    t.equal(state.text, 'one\ntwo\nsix\n', `cut after ${room}`)
  }
  t.same([lines.lost, told], [0, []])
})

t.test('what waits is bounded, what is lost is counted, and told once it flows', async (t) => {
  const { state, told, lines } = reader()
  state.room = 50
  const names = Array.from({ length: 1009 }, (_, index) => `line ${index}`)
  for (const name of names) lines.write(line(name))
  const kept = Math.floor((64 * 1024 + 50) / 100)
  t.equal(lines.lost, 1009 - kept)
  state.room = 20 * 100
  lines.flush()
  lines.write(line('no line overtakes those that wait'))
  t.equal(lines.lost, 1009 - kept + 1)
  t.same(told, [])
  state.room = Infinity
  lines.write(line('after'))
  const expected = [...names.slice(0, kept), 'after'].map((name) => line(name)).join('')
  t.equal(state.text, expected)
  t.same(told, [1009 - kept + 1])
  lines.write(line('once'))
  t.same(told, [1009 - kept + 1])
})

t.test('a line longer than all that may wait', async (t) => {
  const { state, lines } = reader()
  const long = line('long', 100_003)
  state.room = 0
  lines.write(long)
  lines.write('lost\n')
  t.equal(lines.lost, 1)
  state.room = Infinity
  lines.flush()
  t.equal(state.text, long)
})

t.test('a full disk and a closed pipe', async (t) => {
  const { state, told, lines } = reader()
  state.error = new Error('ENOSPC')
  for (let count = 0; count < 1009; count++) lines.write(line('full'))
  const lost = lines.lost
  t.ok(lost > 300)
  state.error = undefined
  lines.write(line('room'))
  t.equal(state.text, line('full').repeat(1009 - lost) + line('room'))
  t.same(told, [lost])
})

t.test('what waits goes on its way without a further line', async (t) => {
  const { state, lines } = reader()
  // The writer's timer keeps no process alive.
  const alive = setInterval(() => undefined, 10)
  t.teardown(() => clearInterval(alive))
  state.room = 2
  lines.write('one\n')
  state.room = Infinity
  while (state.text !== 'one\n') await new Promise((resolve) => setTimeout(resolve, 5))
})
