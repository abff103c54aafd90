import { usageError } from '../errors.js'
import { destinationGroups, groupNames, isGroup } from './destination-groups.js'
import { type ListenAddress, parseListenAddress } from './listen-address.js'
import { type Prefix, parsePrefix } from './prefix.js'

/** How the program hangs on an interface; `auto` takes TCX where the kernel has it. */
export const bpfModes = ['auto', 'tcx', 'clsact'] as const
export type BpfMode = (typeof bpfModes)[number]

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['logfmt', 'json'] as const
export type LogFormat = (typeof logFormats)[number]

/** The command line as it was written, one property a flag. */
export interface Flags {
  readonly interface: readonly string[]
  readonly interfaceExclude: readonly string[]
  readonly destinationsExclude: readonly string[]
  readonly destinationsLimit: string
  readonly bpfMode: BpfMode
  readonly bpfPinPath: string
  readonly webListenAddress: string
  readonly webTelemetryPath: string
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
}

/** Everything that the exporter needs to know, validated. */
export interface Settings {
  /** Names and globs; empty: the interfaces of the default routes. */
  readonly interfaces: readonly string[]
  /** Names and globs; stronger than `interfaces`. */
  readonly interfacesExclude: readonly string[]
  readonly exclusions: readonly Prefix[]
  /** Most destinations in the table. */
  readonly destinationsLimit: number
  readonly bpfMode: BpfMode
  /** A folder on a BPF file system; empty: counting ends with the process. */
  readonly pinPath: string
  readonly listen: ListenAddress
  readonly telemetryPath: string
  readonly log: { readonly level: LogLevel; readonly format: LogFormat }
}

export const defaults = {
  destinationsExclude: groupNames,
  /** 10.3 MiB of kernel memory: 64 bytes a record, 96 in the hash and 4 in the stack beside it. */
  destinationsLimit: 65_536,
  listenAddress: ':10191',
  telemetryPath: '/metrics',
} as const

/** The kernel refuses larger tables on common machines: 2^24 records are 2.5 GiB. */
const limitMax = 2 ** 24

/**
 * Validates the flags.
 *
 * @throws UserError naming the first flag that is wrong
 */
export function parseSettings(flags: Flags): Settings {
  return Object.freeze({
    interfaces: parseNames('--interface', flags.interface),
    interfacesExclude: parseNames('--interface.exclude', flags.interfaceExclude),
    exclusions: Object.freeze(parseExclusions(flags.destinationsExclude)),
    destinationsLimit: parseLimit(flags.destinationsLimit),
    bpfMode: flags.bpfMode,
    pinPath: parsePinPath(flags.bpfPinPath),
    listen: Object.freeze(parseListenAddress(flags.webListenAddress)),
    telemetryPath: parsePath(flags.webTelemetryPath),
    log: Object.freeze({ level: flags.logLevel, format: flags.logFormat }),
  })
}

function parseNames(flag: string, names: readonly string[]): readonly string[] {
  if (names.includes('')) throw usageError(`${flag}: the name is empty: write ${flag} eth0`)
  return Object.freeze([...new Set(names)])
}

/** Groups, prefixes, or `none` alone; each flag may hold several, separated by commas. */
function parseExclusions(values: readonly string[]): Prefix[] {
  const words = values.flatMap((value) => value.split(',')).map((word) => word.trim())
  if (words.includes('none')) {
    if (words.length > 1) throw usageError("--destinations.exclude: 'none' stands alone")
    return []
  }
  return words.flatMap((word) => {
    if (isGroup(word)) return destinationGroups[word].map(parsePrefix)
    if (/^[a-z-]*$/.test(word)) {
      throw usageError(
        `--destinations.exclude: there is no group '${word}': use ${groupNames.join(', ')}, none, or CIDR prefixes`,
      )
    }
    try {
      return [parsePrefix(word)]
    } catch (error) {
      throw usageError(`--destinations.exclude: ${(error as Error).message}`)
    }
  })
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d+$/.test(text) || limit < 1 || limit > limitMax) {
    throw usageError(`--destinations.limit: '${text}' is not a whole number from 1 to ${limitMax}`)
  }
  return limit
}

/** Empty, or an absolute path whose last name the kernel's BPF file system takes: it keeps dots for itself. */
function parsePinPath(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, '')
  if (trimmed !== '' && !/^\/(?:.*\/)?[^./]+$/.test(trimmed)) {
    throw usageError(
      `--bpf.pin-path: '${path}' is not usable: write an absolute path whose last name has no dots, such as /sys/fs/bpf/egress-exporter`,
    )
  }
  return trimmed
}

function parsePath(path: string): string {
  // What Fastify's router takes as a pattern is left out, as is what a URL would need escaped.
  if (!/^(\/[\w.~-]+)+$/.test(path) || path.startsWith('/-/')) {
    throw usageError(
      `--web.telemetry-path: '${path}' is not usable: write a path such as /metrics, of letters, digits and - . _ ~`,
    )
  }
  return path
}
