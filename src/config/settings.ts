import { UserError, usageError } from '../errors.js'
import { parseAllowedHosts } from './allowed-hosts.js'
import { parseDuration } from './duration.js'
import { parseExpectation } from './expectation.js'
import { type ListenAddress, parseListenAddress } from './listen-address.js'
import { parseNamePattern } from './name-pattern.js'
import type {
  BpfMode,
  LogFormat,
  LogLevel,
  MissingTreatment,
  NamesTreatment,
  NewBy,
  OptionName,
  Values,
} from './options.js'
import { type PrefixRule, parsePrefixRules, refuseContradictions, refuseTooMany } from './prefix-rules.js'

/** Where first contacts are logged. */
export interface AuditSettings {
  /** A file, or `-` for standard output; empty: nowhere. */
  readonly file: string
  /** From so many bytes on a new file begins; 0: never. */
  readonly maxBytes: number
}

/** Everything that the exporter needs to know, validated. */
export interface Settings {
  /** Names and patterns; empty: the interfaces of the default routes. */
  readonly interfaces: readonly string[]
  /** Names and patterns; stronger than `interfaces`. */
  readonly interfacesExclude: readonly string[]
  /** What a named interface is that does not exist at the start. */
  readonly interfaceMissing: MissingTreatment
  readonly prefixRules: readonly PrefixRule[]
  /** Most destinations in the table. */
  readonly destinationsLimit: number
  /** 0: none expires. */
  readonly idleTimeoutMs: number
  /** In bits; 32: each address is a destination. */
  readonly ipv4PrefixLength: number
  /** In bits; 128: each address is a destination. */
  readonly ipv6PrefixLength: number
  readonly aggregateReplies: boolean
  /** Most services that are told apart; 0: none are. */
  readonly servicesLimit: number
  /** Whose first contact is news. */
  readonly newBy: NewBy
  /** Rules of first contacts that are no news. */
  readonly expectations: readonly string[]
  readonly bpfMode: BpfMode
  /** Whether the kernel's BPF statistics are to be on. */
  readonly bpfStats: boolean
  /** A folder on a BPF file system; empty: counting ends with the process. */
  readonly pinPath: string
  readonly pollIntervalMs: number
  readonly names: NamesTreatment
  /** Addresses whose names are kept. */
  readonly namesLimit: number
  /** Files that say what addresses belong to. */
  readonly networkFiles: readonly string[]
  /** The folder of the memory; empty: destinations are remembered as long as the process runs. */
  readonly storagePath: string
  readonly retentionMs: number
  readonly baselineMs: number
  readonly audit: AuditSettings
  /** What to listen on; `systemd`: what it hands over. */
  readonly listen: readonly ListenAddress[] | 'systemd'
  /** Names, patterns of names, that requests may be for, besides those that always may. */
  readonly allowedHosts: readonly string[]
  /** Of TLS and authentication; empty: none. */
  readonly webConfigFile: string
  readonly telemetryPath: string
  /** Scrapes at once; 0: no limit. */
  readonly maxRequests: number
  readonly log: { readonly level: LogLevel; readonly format: LogFormat }
}

/** Where a value was written, as the beginning of a complaint about it. */
export type Origin = (name: OptionName) => string

/** The kernel refuses larger tables on common machines: 2^24 records are 3 GiB. */
const limitMax = 2 ** 24

/** EGRESS_SERVICES_MAX in bpf/egress.h. */
const servicesMax = 32_768

/**
 * Validates what was written.
 *
 * @throws UserError naming the first value that is wrong, and where it is
 */
export function parseSettings(values: Values, origin: Origin = (name) => `--${name}`): Settings {
  const read = <Name extends OptionName, T>(name: Name, parse: (value: Values[Name]) => T): T => {
    try {
      return parse(values[name])
    } catch (error) {
      if (error instanceof UserError) throw error
      throw usageError(`${origin(name)}: ${(error as Error).message}`)
    }
  }
  const ipv4PrefixLength = read('destinations.aggregate-ipv4', (text) => parseNumber(text, 1, 32))
  const ipv6PrefixLength = read('destinations.aggregate-ipv6', (text) => parseNumber(text, 1, 128))
  const granularity = { 4: ipv4PrefixLength, 16: ipv6PrefixLength }
  const prefixRules = [
    ...read('destinations.exclude', (list) => parsePrefixRules('exclude', list, granularity)),
    ...read('destinations.include', (list) => parsePrefixRules('include', list, granularity)),
  ]
  const servicesLimit = read('services.limit', (text) => parseNumber(text, 1, servicesMax))
  read('destinations.include', () => refuseContradictions(prefixRules))
  read('destinations.exclude', () => refuseTooMany(prefixRules))
  const listen =
    values['web.systemd-socket'] === 'true'
      ? 'systemd'
      : Object.freeze(read('web.listen-address', (list) => list.map(parseListenAddress)))
  return Object.freeze({
    interfaces: read('interface', parseNames),
    interfacesExclude: read('interface.exclude', parseNames),
    // As below.
    interfaceMissing: values['interface.missing'] as MissingTreatment,
    prefixRules: Object.freeze(prefixRules),
    destinationsLimit: read('destinations.limit', (text) => parseNumber(text, 1, limitMax)),
    idleTimeoutMs: read('destinations.idle-timeout', parseDuration),
    ipv4PrefixLength,
    ipv6PrefixLength,
    aggregateReplies: values['destinations.replies'] === 'aggregate',
    servicesLimit: values.services === 'true' ? servicesLimit : 0,
    expectations: read('expect', parseExpectations),
    newBy: read('new.by', (text) => parseNewBy(text, values.services === 'true')),
    // Their words have been compared with the choices already.
    bpfMode: values['bpf.mode'] as BpfMode,
    bpfStats: values['bpf.stats'] === 'true',
    pinPath: read('bpf.pin-path', parsePinPath),
    pollIntervalMs: read('poll.interval', (text) => between(1, 86_400_000, parseDuration(text))),
    names: values.names as NamesTreatment,
    namesLimit: read('names.limit', (text) => parseNumber(text, 1, 1_000_000)),
    networkFiles: read('networks.file', parseFiles),
    storagePath: read('storage.path', parseFolder),
    retentionMs: read('storage.retention', (text) => between(1, Infinity, parseDuration(text))),
    baselineMs: read('baseline.period', parseDuration),
    audit: Object.freeze({
      file: values['audit.file'],
      maxBytes: read('audit.max-size', (text) => parseNumber(text, 0, Number.MAX_SAFE_INTEGER)),
    }),
    listen,
    allowedHosts: Object.freeze([...read('web.allowed-hosts', parseAllowedHosts), ...hostsOf(listen)]),
    webConfigFile: values['web.config.file'],
    telemetryPath: read('web.telemetry-path', parsePath),
    maxRequests: read('web.max-requests', (text) => parseNumber(text, 0, 1_000_000)),
    log: Object.freeze({
      level: values['log.level'] as LogLevel,
      format: values['log.format'] as LogFormat,
    }),
  })
}

/** Names that are listened on are asked for. */
function hostsOf(listen: Settings['listen']): string[] {
  if (listen === 'systemd') return []
  return listen.flatMap((address) => ('host' in address ? address.host.toLowerCase() : []))
}

function parseNames(names: readonly string[]): readonly string[] {
  if (names.includes('')) throw new Error('the name is empty: write one such as eth0')
  names.forEach(parseNamePattern)
  return Object.freeze([...new Set(names)])
}

function parseNumber(text: string, least: number, most: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new Error(`'${text}' is not a whole number from ${least} to ${most}`)
  }
  return number
}

function between(least: number, most: number, ms: number): number {
  if (ms < least) throw new Error('it must be longer than 0')
  if (ms > most) throw new Error('it must be a day at most')
  return ms
}

function parseNewBy(text: string, services: boolean): NewBy {
  if (text === 'service' && !services) throw new Error('what is new for a service takes --services')
  return services && text !== 'destination' ? 'service' : 'destination'
}

function parseExpectations(rules: readonly string[]): readonly string[] {
  rules.forEach(parseExpectation)
  return Object.freeze([...rules])
}

function parseFiles(paths: readonly string[]): readonly string[] {
  const relative = paths.find((path) => !path.startsWith('/'))
  if (relative !== undefined) throw new Error(`'${relative}' is not an absolute path`)
  return Object.freeze([...new Set(paths)])
}

function parseFolder(path: string): string {
  if (path !== '' && !path.startsWith('/')) throw new Error(`'${path}' is not an absolute path`)
  return path
}

/** Empty, or an absolute path whose last name the kernel's BPF file system takes: it keeps dots for itself. */
function parsePinPath(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, '')
  if (trimmed !== '' && !/^\/(?:.*\/)?[^./]+$/.test(trimmed)) {
    throw new Error(
      `'${path}' is not usable: write an absolute path whose last name has no dots, such as /sys/fs/bpf/egress-exporter`,
    )
  }
  return trimmed
}

function parsePath(path: string): string {
  // What Fastify's router takes as a pattern is left out, as are what a URL would need escaped and
  // where other things are.
  if (!/^(\/[\w.~-]+)+$/.test(path) || /^\/(-|api|assets|docs)(\/|$)/.test(path)) {
    throw new Error(`'${path}' is not usable: write a path such as /metrics, of letters, digits and - . _ ~`)
  }
  return path
}
