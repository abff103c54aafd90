// The files in which providers publish their prefixes, read as they are downloaded.

/** A prefix in CIDR notation, whose it is, and for what; the service is empty where it is for all. */
export interface Range {
  readonly cidr: string
  readonly provider: string
  readonly service: string
  readonly country?: string
  /** Where it is, in a file of lines. */
  readonly line?: number
}

type Item = Readonly<Record<string, unknown>>

/** A service as a part of a label: lower case, words joined by hyphens. */
const slug = (text: unknown, prefix = /^$/) =>
  String(text)
    .replace(prefix, '')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

const items = (value: unknown) => (Array.isArray(value) ? (value as Item[]) : [])
const texts = (value: unknown) => items(value) as unknown as string[]

/** AWS's ip-ranges.json; AMAZON is all of it. */
const aws = ({ prefixes, ipv6_prefixes }: Item): Range[] =>
  [...items(prefixes), ...items(ipv6_prefixes)].map(({ ip_prefix, ipv6_prefix, service }) => ({
    cidr: String(ip_prefix ?? ipv6_prefix),
    provider: 'aws',
    service: service === 'AMAZON' ? '' : slug(service),
  }))

/** Google's cloud.json, of its customers, and goog.json, of all. */
const google = ({ prefixes }: Item): Range[] =>
  items(prefixes).map(({ ipv4Prefix, ipv6Prefix, service }) => ({
    cidr: String(ipv4Prefix ?? ipv6Prefix),
    provider: 'google',
    service: service === undefined ? '' : slug(service, /^Google /),
  }))

/** Azure's ServiceTags: `Storage.WestEurope`; AzureCloud is all of it. */
const azure = ({ values }: Item): Range[] =>
  items(values).flatMap(({ name, properties }) => {
    const [tag = ''] = String(name).split('.')
    const service = tag === 'AzureCloud' ? '' : slug(tag, /^Azure(?=[A-Z])/)
    const { addressPrefixes } = properties as Item
    return texts(addressPrefixes).map((cidr) => ({ cidr, provider: 'azure', service }))
  })

/** Oracle's public_ip_ranges.json; OCI is all of it. */
const oracle = ({ regions }: Item): Range[] =>
  items(regions)
    .flatMap(({ cidrs }) => items(cidrs))
    .flatMap(({ cidr, tags }) =>
      texts(tags).map((tag) => ({
        cidr: String(cidr),
        provider: 'oracle',
        service: tag === 'OCI' ? '' : slug(tag),
      })),
    )

const fastly = ({ addresses, ipv6_addresses }: Item): Range[] =>
  [...texts(addresses), ...texts(ipv6_addresses)].map((cidr) => ({ cidr, provider: 'fastly', service: '' }))

/** GitHub's api.github.com/meta: lists of prefixes among other things. */
const github = (meta: Item): Range[] =>
  Object.entries(meta).flatMap(([service, list]) =>
    texts(list)
      .filter((text) => typeof text === 'string' && /^[0-9a-f.:]+\/\d+$/i.test(text))
      .map((cidr) => ({ cidr, provider: 'github', service: slug(service) })),
  )

/** By keys that this provider's file alone has. */
const providers: readonly (readonly [readonly string[], (file: Item) => Range[]])[] = [
  [['prefixes', 'createDate'], aws],
  [['prefixes', 'creationTime'], google],
  [['values', 'cloud'], azure],
  [['regions', 'last_updated_timestamp'], oracle],
  [['addresses', 'ipv6_addresses'], fastly],
  [['verifiable_password_authentication', 'web'], github],
]

/** @throws Error if it is of none of these providers */
export function readProviderRanges(file: unknown): Range[] {
  if (typeof file === 'object' && file !== null) {
    const found = providers.find(([keys]) => keys.every((key) => key in file))
    if (found) return found[1](file as Item)
  }
  throw new Error(
    'its JSON is of no provider that is known: AWS, Azure, Fastly, GitHub, Google and Oracle are, as they publish it',
  )
}

/**
 * A list of prefixes, one a line, with comments after `#` or `;`: as Cloudflare has it, or a blocklist. Or a geofeed
 * (RFC 8805), as DigitalOcean has it: `prefix,country,region,city,postal code`.
 *
 * @param provider whose they are: such a file does not say it
 */
export function readLines(text: string, provider: string): Range[] {
  return text.split('\n').flatMap((line, index) => {
    const [cidr = '', country = ''] = line
      .replace(/[#;].*/, '')
      .split(',')
      .map((field) => field.trim())
    if (cidr === '') return []
    const range = { cidr, provider, service: '', line: index + 1 }
    return [{ ...range, ...(/^[A-Z]{2}$/.test(country) && { country }) }]
  })
}
