import type { Reader, Response } from 'mmdb-lib'
import { formatPrefix, type Prefix } from '../config/prefix.js'
import type { Finding, NetworkFile } from './network-file.js'

/** What begins the metadata, within the last 128 KiB: https://maxmind.github.io/MaxMind-DB/. */
const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')

export const isMmdb = (bytes: Buffer): boolean =>
  bytes.subarray(Math.max(0, bytes.length - 128 * 1024)).includes(marker)

/** Autonomous systems or countries, under the names that MaxMind and IPinfo have for them. */
export class MmdbFile implements NetworkFile {
  readonly kind = 'database'
  readonly #reader: Reader<Response>

  constructor(reader: Reader<Response>) {
    this.#reader = reader
  }

  readonly find = (prefix: Prefix): Finding | undefined => {
    // One for IPv4 alone would take the first bits of another address for one of its own.
    if (this.#reader.metadata.ipVersion === 4 && prefix.bytes.length !== 4) return undefined
    const [address = ''] = formatPrefix(prefix).split('/')
    const [record, length] = this.#reader.getWithPrefixLength(address) as [
      Record<string, unknown> | null,
      number,
    ]
    if (record === null) return undefined
    const country = record.country_code ?? isoCode(record.country)
    return {
      length,
      asn: asNumber(record.autonomous_system_number ?? record.asn),
      asName: text(record.autonomous_system_organization ?? record.as_name),
      country: typeof country === 'string' && /^[A-Z]{2}$/.test(country) ? country : null,
    }
  }
}

/** MaxMind has names and more of a country. */
const isoCode = (country: unknown) =>
  typeof country === 'object' && country !== null ? (country as Record<string, unknown>).iso_code : country

/** IPinfo writes `AS64500`. */
function asNumber(value: unknown): number | null {
  const number = Number(String(value).replace(/^AS/, ''))
  return Number.isInteger(number) && number > 0 && number < 2 ** 32 ? number : null
}

const maxName = 100

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== ''
    ? // eslint-disable-next-line no-control-regex
      value.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, maxName)
    : null
}
