import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigReloader } from '../../src/cli/config-reloader.js'
import { loadSettings } from '../../src/config/load.js'
import type { Logger } from '../../src/log.js'
import { parseFlags } from '../support/command-line.js'

const silent = { level: 'info', info() {}, warn() {}, error() {} } as unknown as Logger

/** A reloader whose counter takes its time, and says what it was given. */
async function reloader(folder: string) {
  const file = join(folder, 'egress.yml')
  const write = (limit: string) => writeFileSync(file, `destinations.idle-timeout: ${limit}\n`)
  write('1s')
  const commandLine = parseFlags([`--config.file=${file}`])
  const settings = await loadSettings(commandLine)
  const taken: number[] = []
  const held: (() => void)[] = []
  const counter = {
    reload: ({ idleTimeoutMs }: { idleTimeoutMs: number }) => {
      taken.push(idleTimeoutMs)
      return new Promise<void>((resolve) => held.push(resolve))
    },
  }
  const letGo = async (index: number) => {
    while (held.length <= index) await new Promise((resolve) => setImmediate(resolve))
    held[index]?.()
  }
  return { reloader: new ConfigReloader(commandLine, settings, counter, silent), write, taken, letGo }
}

t.test('who asks while a reload is under way gets one more, with what the file says then', async (t) => {
  const { reloader: subject, write, taken, letGo } = await reloader(t.testdir())
  const first = subject.reload()
  const counted = letGo(0)
  while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const others = Array.from({ length: 50 }, () => subject.reload())
  write('2s')
  await counted
  await letGo(1)
  await Promise.all([first, ...others])
  t.same(taken, [1000, 2000])
  const last = subject.reload()
  await letGo(2)
  await last
  t.same(taken, [1000, 2000, 2000], 'and later ones are as the first')
})

t.test('those that come at once are one', async (t) => {
  const { reloader: subject, taken, letGo } = await reloader(t.testdir())
  const all = Array.from({ length: 50 }, () => subject.reload())
  await letGo(0)
  await Promise.all(all)
  t.same(taken, [1000])
})
