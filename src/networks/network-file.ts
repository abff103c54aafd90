import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { formatPrefix, parsePrefix, type Prefix } from '../config/prefix.js'
import { readYamlFile } from '../config/yaml-file.js'
import { isMmdb, mmdbFile } from './mmdb-file.js'
import type { Finding, NetworkFile } from './network.js'
import { PrefixTable } from './prefix-table.js'
import { type Range, readLines, readProviderRanges } from './ranges.js'

/** In characters; IPv6 with an IPv4 address in it, and a length, has as many. */
const longest = 49

/** The largest databases that are sold have less. */
const maxBytes = 1024 ** 3

/**
 * Reads a file of networks, whatever it is: MMDB, the JSON of a provider, YAML of our own (`name: [prefix, …]`), a list
 * or a geofeed.
 *
 * @throws Error saying what is wrong with it, and where
 */
export function readNetworkFile(path: string): NetworkFile {
  const status = statSync(path)
  if (!status.isFile()) throw new Error('it is no file')
  if (status.size > maxBytes) throw new Error('it is larger than 1 GiB')
  if (/\.ya?ml$/i.test(path)) return { kind: 'own', ...table(ownRanges(path)) }
  const bytes = readFileSync(path)
  if (isMmdb(bytes)) return mmdbFile(bytes)
  if (bytes.includes(0)) throw new Error('it is neither text nor an MMDB database')
  const text = bytes.toString('utf8')
  const ranges = text.trimStart().startsWith('{')
    ? readProviderRanges(JSON.parse(text))
    : readLines(text, providerOf(path))
  return { kind: 'ranges', ...table(ranges) }
}

/** Of a file that does not say whose prefixes it has; Cloudflare calls its lists `ips-v4` and `ips-v6`. */
function providerOf(path: string): string {
  const name = basename(path).replace(/\.[^.]*$/, '')
  return /^ips-v[46]$/.test(name) ? 'cloudflare' : name
}

function ownRanges(path: string): Range[] {
  const file = readYamlFile(path, '--networks.file')
  const { content } = file
  const isMap = typeof content === 'object' && content !== null && !Array.isArray(content)
  if (!isMap) throw new Error('it must hold names and their prefixes, such as office: [192.0.2.0/24]')
  return Object.entries(content as Record<string, unknown>).flatMap(([name, list]) =>
    [list].flat().map((cidr) => {
      if (typeof cidr !== 'string') {
        throw new Error(
          `${file.keyAt([name])}: ${name}: write prefixes, such as [192.0.2.0/24, 2001:db8::/32]`,
        )
      }
      return { cidr, provider: name, service: '' }
    }),
  )
}

/** @throws Error that says on which line it is wrong */
function prefixOf({ cidr, line }: Range): Prefix {
  const where = line === undefined ? '' : `line ${line}: `
  if (cidr.length > longest) throw new Error(`${where}'${cidr.slice(0, longest)}…' is no prefix`)
  try {
    return parsePrefix(cidr)
  } catch (error) {
    throw new Error(where + (error as Error).message, { cause: error })
  }
}

/** What a prefix is called; one object for all that are called so. */
interface Named {
  readonly provider: string
  readonly service: string
  readonly finding: Omit<Finding, 'length'>
}

/** A prefix of several services is of none more than of another. */
const several = '*'

function table(ranges: readonly Range[]): Pick<NetworkFile, 'find'> {
  if (ranges.length === 0) throw new Error('there is no prefix in it')
  const prefixes = new PrefixTable<Named>()
  const named = new Map<string, Named>()
  const nameOf = ({ provider, service, country }: Omit<Range, 'cidr'>): Named => {
    const key = [provider, service, country].join('\n')
    const network = service === '' || service === several ? provider : `${provider}/${service}`
    const finding = { network, ...(country !== undefined && { country }) }
    const name = named.get(key) ?? { provider, service, finding }
    named.set(key, name)
    return name
  }
  for (const range of ranges) {
    const prefix = prefixOf(range)
    const { provider, service } = prefixes.get(prefix) ?? { provider: range.provider, service: '' }
    if (provider !== range.provider) {
      throw new Error(`${formatPrefix(prefix)} is of ${provider} and of ${range.provider}`)
    }
    if (service === '' || service === range.service) prefixes.set(prefix, nameOf(range))
    else if (range.service !== '') prefixes.set(prefix, nameOf({ ...range, service: several }))
  }
  return {
    find(prefix) {
      const found = prefixes.find(prefix)
      return found && { ...found.value.finding, length: found.length }
    },
  }
}
