import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import dnsPacket, { type Answer, type DecodedPacket } from 'dns-packet'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import { temporaryFolder } from '../support/memory.js'
import { seeded } from '../support/random.js'

/** What the parser says of a message, as test/native/oracle/dns_answer.cc writes it. */
interface Said {
  readonly verdict: 'answer' | 'nothing' | 'malformed' | 'name'
  readonly name: string
  readonly addresses: readonly string[]
}

const verdicts = ['answer', 'nothing', 'malformed', 'name'] as const

function parserOf(t: Parameters<typeof temporaryFolder>[0]): (messages: readonly Buffer[]) => Said[] {
  const program = join(temporaryFolder(t), 'oracle')
  const sources = ['test/native/oracle/dns_answer.cc', 'native/dns_answer.cc']
  execFileSync('g++', ['-std=gnu++20', '-O1', '-Wall', '-Wextra', '-Werror', ...sources, '-o', program])
  return (messages) => {
    const input = messages.map((message) => `${message.toString('hex')}\n`).join('')
    const lines = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 26 })
    return lines
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [verdict, name = '', ...addresses] = line.split(' ')
        return { verdict: verdicts[Number(verdict)] ?? 'malformed', name, addresses }
      })
  }
}

/** What dns-packet decodes, followed from the question on. */
function expected(packet: DecodedPacket): Omit<Said, 'verdict'> {
  const name = packet.questions?.[0]?.name.toLowerCase() ?? ''
  const answers = (packet.answers ?? []).filter((one) => 'class' in one && one.class === 'IN')
  const reached = new Set([name])
  for (let before = 0; before !== reached.size;) {
    before = reached.size
    for (const one of answers) {
      if (one.type === 'CNAME' && reached.has(one.name.toLowerCase())) reached.add(one.data.toLowerCase())
    }
  }
  const addresses = answers.flatMap((one) =>
    (one.type === 'A' || one.type === 'AAAA') && reached.has(one.name.toLowerCase())
      ? [canonical(one.data)]
      : [],
  )
  return { name, addresses }
}

/**
 * Undefined: dns-packet is no judge of it. It refuses it, or it has records of other types, whose end it finds by
 * what is in them and not by their length. The sections after the answers are nobody's business.
 */
function decodeAnswers(message: Buffer): Omit<Said, 'verdict'> | undefined {
  const alone = Buffer.from(message)
  alone.fill(0, 8, 12)
  try {
    const packet = dnsPacket.decode(alone)
    const known = packet.answers?.every(({ type }) => ['A', 'AAAA', 'CNAME'].includes(type))
    return known ? expected(packet) : undefined
  } catch {
    return undefined
  }
}

/** As inet_ntop has it; ::ffff:0:0/96 and ::/96 with their IPv4 address. */
const canonical = (address: string) => {
  const parsed = ipaddr.parse(address)
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).toRFC5952String()
}

const random = seeded(20261128)
const below = (end: number) => Math.floor(random() * end)
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T

/** An answer by a chain of aliases, shuffled, with what does not belong to it. */
function randomAnswer(): Buffer {
  const label = () => pick(['www', 'CDN', 'edge-7', '_dmarc', 'a', 'x'.repeat(40), 'Example', 'test'])
  const name = () => Array.from({ length: 1 + below(4) }, label).join('.')
  const chain = Array.from({ length: 1 + below(8) }, name)
  const address = (owner: string): Answer =>
    below(2) === 0
      ? { type: 'A', name: owner, data: Array.from({ length: 4 }, () => below(256)).join('.') }
      : { type: 'AAAA', name: owner, data: `2001:db8:${below(65536).toString(16)}::${1 + below(9999)}` }
  const answers: Answer[] = [
    ...chain.slice(1).map((data, index): Answer => ({ type: 'CNAME', name: chain[index] ?? '', data })),
    ...Array.from({ length: 1 + below(5) }, () => address(chain.at(-1) ?? '')),
    ...Array.from({ length: below(2) }, () => address(name())),
    ...Array.from({ length: below(2) }, (): Answer => ({ type: 'TXT', name: name(), data: 'text' })),
    ...Array.from({ length: below(2) }, (): Answer => ({
      type: 'MX',
      name: name(),
      data: { exchange: name() },
    })),
  ].sort(() => random() - 0.5)
  return dnsPacket.encode({
    type: 'response',
    questions: [{ type: pick(['A', 'AAAA']), name: chain[0] ?? '' }],
    answers,
    additionals: [
      { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as unknown as Answer,
    ],
  })
}

/** The same with each name that was there before as a pointer to it, as servers write them (RFC 1035, section 4.1.4). */
function compress(message: Buffer): Buffer {
  const out = [...message.subarray(0, 12)]
  const places = new Map<string, number>()
  let at = 12
  const word = () => out.push(message[at++] ?? 0, message[at++] ?? 0)
  const copyName = () => {
    for (;;) {
      const length = message[at] ?? 0
      const end = message.indexOf(0, at)
      const rest = message.toString('latin1', at, end)
      const place = places.get(rest)
      if (length !== 0 && place !== undefined) {
        out.push(0xc0 | (place >> 8), place & 0xff)
        at = end + 1
        return
      }
      if (length !== 0 && out.length < 0x4000) places.set(rest, out.length)
      out.push(...message.subarray(at, at + 1 + length))
      at += 1 + length
      if (length === 0) return
    }
  }
  copyName()
  word()
  word()
  const records = message.readUInt16BE(6) + message.readUInt16BE(10)
  for (let index = 0; index < records; index++) {
    copyName()
    const type = message.readUInt16BE(at)
    for (let words = 0; words < 4; words++) word()
    const size = message.readUInt16BE(at)
    word()
    const begin = out.length
    if (type === 5) copyName()
    else {
      out.push(...message.subarray(at, at + size))
      at += size
    }
    const written = out.length - begin
    out[begin - 2] = written >> 8
    out[begin - 1] = written & 0xff
  }
  return Buffer.from(out)
}

t.test('answers of all shapes are read as dns-packet reads them', (t) => {
  const parse = parserOf(t)
  const plain = Array.from({ length: 2_003 }, randomAnswer)
  const messages = [...plain, ...plain.map(compress)]
  const said = parse(messages)
  t.equal(said.length, messages.length)
  let differences = 0
  messages.forEach((message, index) => {
    const { name, addresses } = expected(dnsPacket.decode(message))
    const one = { verdict: 'answer', name, addresses }
    if (JSON.stringify(said[index]) === JSON.stringify(one)) return
    if (differences++ < 5) t.same(said[index], one)
  })
  t.equal(differences, 0)
  t.end()
})

t.test('what is taken from a damaged answer, dns-packet finds there, too', (t) => {
  const parse = parserOf(t)
  const damaged = Array.from({ length: 20_011 }, () => {
    const message = Buffer.from(compress(randomAnswer()))
    for (let changes = 1 + below(3); changes > 0; changes--) message[below(message.length)] = below(256)
    return below(4) === 0 ? message.subarray(0, 12 + below(message.length)) : message
  })
  const said = parse(damaged)
  let judged = 0
  damaged.forEach((message, index) => {
    const { verdict, ...one } = said[index] ?? { verdict: 'malformed' }
    if (verdict !== 'answer') return
    const theirs = decodeAnswers(message)
    if (!theirs) return
    judged++
    if (JSON.stringify(one) !== JSON.stringify(theirs)) t.same(one, theirs, message.toString('hex'))
  })
  t.ok(judged > 1_000, `${judged} were compared`)
  t.end()
})
