import { groupNames } from './destination-groups.js'

/** How the program is attached to an interface; `auto` takes TCX where the kernel has it. */
export const bpfModes = ['auto', 'tcx', 'clsact'] as const
export type BpfMode = (typeof bpfModes)[number]

/** What a named interface that does not exist at the start is: a mistake, or to be waited for. */
export const missingTreatments = ['refuse', 'wait'] as const
export type MissingTreatment = (typeof missingTreatments)[number]

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['logfmt', 'json'] as const
export type LogFormat = (typeof logFormats)[number]

/** What becomes of packets that answer somebody else's connection. */
export const replyTreatments = ['count', 'aggregate'] as const
export type ReplyTreatment = (typeof replyTreatments)[number]

/** Whose first contact is news; `auto`: a service's where those are told apart, else the host's. */
export const newBys = ['auto', 'destination', 'service'] as const
export type NewBy = Exclude<(typeof newBys)[number], 'auto'>

/** Where the names of destinations come from. */
export const namesTreatments = ['auto', 'dns', 'resolved', 'none'] as const
export type NamesTreatment = (typeof namesTreatments)[number]

interface Definition {
  /** What stands for the value in the help; absent where the flag is enough. */
  readonly value?: string
  readonly help: string
  /** Several values, of a repeated flag or a list in the file; the first replaces the default. */
  readonly list?: true
  readonly choices?: readonly string[]
  /** 'true' or 'false'; the flag alone means 'true'. */
  readonly toggle?: true
  readonly default: string | readonly string[]
  /** The default in the help, where it does not speak for itself. */
  readonly shownDefault?: string
}

/**
 * Every setting, by the name that it has on the command line, behind `--`, and in the configuration
 * file.
 */
export const options = {
  interface: {
    value: 'name',
    help: 'interface to count on, or a pattern as in bash; repeatable; followed as they come and go',
    list: true,
    default: [],
    shownDefault: 'those of the default routes',
  },
  'interface.exclude': {
    value: 'name',
    help: 'interface to leave out, or a pattern; repeatable',
    list: true,
    default: [],
    shownDefault: 'none',
  },
  'interface.missing': {
    value: 'treatment',
    help: 'what to do at the start where a named interface, or any default route, does not exist: refuse to run, or wait for it',
    choices: missingTreatments,
    default: 'refuse',
  },
  'destinations.exclude': {
    value: 'list',
    help: 'groups (private, loopback, link-local, multicast) and CIDR prefixes that get no series, separated by commas; none: list everything; repeatable',
    list: true,
    default: groupNames,
    shownDefault: groupNames.join(','),
  },
  'destinations.include': {
    value: 'list',
    help: 'groups and CIDR prefixes that get series although a shorter prefix is excluded; repeatable',
    list: true,
    default: [],
    shownDefault: 'none',
  },
  'destinations.limit': {
    value: 'number',
    help: 'most destinations in the table, 216 bytes of kernel memory each (by default 14 MiB with 4 CPUs, 18 with 32, 31 with 128); traffic beyond counts as overflow',
    /** 13.5 MiB: 64 bytes a record, 16 its first sender, 32 of user space, 96 in the hash, 4 in the stack, and 4 of the lookup cache. */
    default: '65536',
  },
  'destinations.idle-timeout': {
    value: 'duration',
    help: 'a destination without traffic for so long leaves the table, and what it counted becomes expired; 0: never',
    default: '24h',
  },
  'destinations.aggregate-ipv4': {
    value: 'bits',
    help: 'tell IPv4 destinations apart by so many leading bits',
    default: '32',
  },
  'destinations.aggregate-ipv6': {
    value: 'bits',
    help: 'tell IPv6 destinations apart by so many leading bits',
    default: '128',
  },
  'destinations.replies': {
    value: 'treatment',
    help: "aggregate: packets that answer somebody else's connection count as reply, and make no series for each client",
    choices: replyTreatments,
    default: 'count',
  },
  services: {
    help: 'tell destinations apart by who sends there, too: the label service',
    choices: ['false', 'true'],
    toggle: true,
    default: 'false',
  },
  'services.limit': {
    value: 'number',
    help: 'most services that are told apart at a time, 2.4 KiB of kernel memory each; the rest is other',
    default: '1024',
  },
  'new.by': {
    value: 'subject',
    help: 'what is new: a destination for this host, or for a service, which takes --services; auto: for a service with --services',
    choices: newBys,
    default: 'auto',
  },
  expect: {
    value: 'rule',
    help: 'first contacts that are no news: conditions such as network=aws/s3 port=443 service=backup.service, of prefix, network, name, service, interface, protocol and port, which all must hold; repeatable',
    list: true,
    default: [],
    shownDefault: 'none',
  },
  'bpf.mode': {
    value: 'mode',
    help: 'how to attach; auto takes tcx where the kernel has it',
    choices: bpfModes,
    default: 'auto',
  },
  'bpf.pin-path': {
    value: 'folder',
    help: 'folder on a BPF file system that keeps counting while the exporter is stopped or upgraded, such as /sys/fs/bpf/egress-exporter',
    default: '',
    shownDefault: 'none',
  },
  'bpf.stats': {
    help: "turn the kernel's BPF statistics on while this runs, to show what the program costs; takes CAP_SYS_ADMIN",
    choices: ['false', 'true'],
    toggle: true,
    default: 'false',
  },
  'poll.interval': {
    value: 'duration',
    help: 'how often to look for new destinations, scraped or not',
    default: '5s',
  },
  names: {
    value: 'source',
    help: 'where the names that led to destinations are seen: in DNS answers on the wire, as systemd-resolved tells, or nowhere; auto: wherever they can be; nobody is asked for any',
    choices: namesTreatments,
    default: 'auto',
  },
  'names.limit': {
    value: 'number',
    help: 'most addresses whose names are kept for when they become destinations, about 400 bytes each; the longest not answered go first',
    default: '16384',
  },
  'networks.file': {
    value: 'path',
    help: 'file that says what addresses belong to: an MMDB database of autonomous systems or countries, the prefixes of a provider as published, a list, or YAML with names of your own; repeatable; read again when it changes',
    list: true,
    default: [],
    shownDefault: 'none',
  },
  'storage.path': {
    value: 'folder',
    help: 'where destinations are remembered; empty: nowhere, and each start learns them anew',
    default: process.env['STATE_DIRECTORY']?.split(':')[0] ?? '/var/lib/egress-exporter',
    shownDefault: '$STATE_DIRECTORY, else /var/lib/egress-exporter',
  },
  'storage.retention': {
    value: 'duration',
    help: 'a destination without traffic for so long is forgotten, and new when it returns',
    default: '400d',
  },
  'baseline.period': {
    value: 'duration',
    help: 'for so long after the memory begins, destinations are remembered and not announced as new',
    default: '24h',
  },
  'audit.file': {
    value: 'path',
    help: 'where to append a JSON line for each first contact, acknowledgement, forgetting and expiry; -: standard output',
    default: '',
    shownDefault: 'nowhere',
  },
  'audit.max-size': {
    value: 'bytes',
    help: 'from so many bytes on the audit log begins a new file and keeps five old ones; 0: never',
    default: '0',
  },
  'web.listen-address': {
    value: 'address',
    help: 'where to serve, [HOST]:PORT or unix:/PATH; repeatable',
    list: true,
    default: [':10191'],
    shownDefault: ':10191',
  },
  'web.systemd-socket': {
    help: 'serve on the sockets that systemd hands over, and not on --web.listen-address',
    choices: ['false', 'true'],
    toggle: true,
    default: 'false',
  },
  'web.allowed-hosts': {
    value: 'list',
    help: 'host names that requests may be for, besides IP addresses, localhost and the names of this host, separated by commas; *.example.org: all below; *: any; repeatable',
    list: true,
    default: [],
    shownDefault: 'none',
  },
  'web.config.file': {
    value: 'path',
    help: 'YAML file with TLS, passwords, headers and a rate limit, as the Prometheus exporter-toolkit has it; read again when it changes',
    default: '',
    shownDefault: 'none',
  },
  'web.telemetry-path': { value: 'path', help: 'where the metrics are', default: '/metrics' },
  'web.max-requests': {
    value: 'number',
    help: 'most requests that read the counters at once, beyond which the answer is 503; 0: no limit',
    default: '40',
  },
  'log.level': { value: 'level', help: 'least level to log', choices: logLevels, default: 'info' },
  'log.format': { value: 'format', help: 'form of log lines', choices: logFormats, default: 'logfmt' },
} as const satisfies Record<string, Definition>

export type OptionName = keyof typeof options
export const optionNames = Object.keys(options) as OptionName[]
export const definition = (name: OptionName): Definition => options[name]

/** The settings as they were written: a list where the option takes several. */
export type Values = {
  readonly [Name in OptionName]: (typeof options)[Name] extends { list: true } ? readonly string[] : string
}

/** What is in force where nothing is written. */
export const defaults = Object.fromEntries(
  optionNames.map((name) => [name, definition(name).default]),
) as unknown as Values
