import t from 'tap'
import { createLog } from '../src/log.js'

function lines(format: 'logfmt' | 'json', level: 'debug' | 'warn' = 'debug') {
  const written: string[] = []
  return { written, log: createLog({ level, format }, { write: (line) => written.push(line) }) }
}

t.test('logfmt', async (t) => {
  const { log, written } = lines('logfmt')
  log.info({ interface: 'eth0', count: 23, text: 'a "b"\nc', none: undefined }, 'two words')
  t.match(
    written[0],
    /^time=\d{4}-\d\d-\d\dT[\d:.]+Z level=info msg="two words" interface=eth0 count=23 text="a \\"b\\"\\nc"\n$/,
  )
  log.error({ err: new Error('broken') }, 'failed')
  t.match(written[1], /level=error msg=failed err="\{\\"type\\":\\"Error\\",\\"message\\":\\"broken\\"/)
})

t.test('JSON', async (t) => {
  const { log, written } = lines('json')
  log.info({ interface: 'eth0' }, 'two words')
  t.match(JSON.parse(written[0] ?? ''), { level: 'info', msg: 'two words', interface: 'eth0', time: String })
})

t.test('what would act on a terminal is escaped', async (t) => {
  for (const format of ['logfmt', 'json'] as const) {
    const { log, written } = lines(format)
    log.info({ text: 'a\u001b\u007f\u009b31m\u202e', '\u009b': 1 }, 'b\u0085')
    t.match(written[0], /^[ -~]+\n$/, format)
    t.match(written[0], 'a\\u001b\\u007f\\u009b31m\\u202e')
    if (format === 'json') t.match(JSON.parse(written[0] ?? ''), { msg: 'b\u0085', '\u009b': 1 })
  }
})

t.test('levels', async (t) => {
  const { log, written } = lines('logfmt', 'warn')
  log.info('unsaid')
  log.warn('said')
  t.equal(written.length, 1)
})
