import { Reader, type Response } from 'mmdb-lib'
import { addressOf } from '../config/prefix.js'
import type { NetworkFile } from './network.js'

/** What begins the metadata, within the last 128 KiB: https://maxmind.github.io/MaxMind-DB/. */
const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')

export const isMmdb = (bytes: Buffer): boolean =>
  bytes.subarray(Math.max(0, bytes.length - 128 * 1024)).includes(marker)

/**
 * Autonomous systems or countries, under the names that MaxMind and IPinfo have for them.
 *
 * @throws Error of the reader, also when an address is looked for in a damaged part
 */
export function mmdbFile(bytes: Buffer): NetworkFile {
  const reader = new Reader<Response>(bytes)
  return {
    kind: 'database',
    find(prefix) {
      // One for IPv4 alone would take the first bits of another address for one of its own.
      if (reader.metadata.ipVersion === 4 && prefix.bytes.length !== 4) return undefined
      const [record, length] = reader.getWithPrefixLength(addressOf(prefix)) as [
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
    },
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
