/** As long as a message of the DNS can be. */
const maxBytes = 65_535

/** What systemd-resolved says of a query that came to its end, as far as it is read here. */
interface Parameters {
  readonly state?: unknown
  readonly question?: unknown
  readonly answer?: unknown
}

/**
 * An answer that systemd-resolved tells of, as it would have been on the wire: what is on the wire is read by a
 * parser that expects anything, and so is this.
 *
 * @returns undefined: it is of a query that led to nothing
 * @throws Error if it is not what io.systemd.Resolve.Monitor says
 */
export function toMessage({ state, question, answer }: Parameters): Buffer | undefined {
  if (typeof state !== 'string') throw new Error('it has no state')
  if (state !== 'success') return undefined
  const first: unknown = list(question)[0]
  const { name, type, class: classCode } = object(first)
  if (typeof name !== 'string') throw new Error('its question has no name')
  const records = list(answer).map((one) => base64(object(one)['raw']))
  const header = Buffer.alloc(12)
  header.writeUInt16BE(0x8180, 2) // an answer, without an error
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(word(records.length), 6)
  const kind = Buffer.alloc(4)
  kind.writeUInt16BE(word(type), 0)
  kind.writeUInt16BE(word(classCode), 2)
  const message = Buffer.concat([header, wireName(name), kind, ...records])
  if (message.length > maxBytes) throw new Error('it is longer than a message can be')
  return message
}

/** A name as labels behind their lengths; the parser tells whether it has usual characters. */
function wireName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.')
  const parts = labels.flatMap((text) => {
    const label = Buffer.from(text)
    if (label.length === 0 || label.length > 63) throw new Error('its question has no proper name')
    return [Buffer.of(label.length), label]
  })
  return Buffer.concat([...parts, Buffer.of(0)])
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('it has no list where one is to be')
  return value
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error('it has no object where one is to be')
  return value as Readonly<Record<string, unknown>>
}

function base64(value: unknown): Buffer {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value))
    throw new Error('its records are not in base64')
  return Buffer.from(value, 'base64')
}

function word(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0xffff)
    throw new Error('it has no 16-bit number where one is to be')
  return value as number
}
