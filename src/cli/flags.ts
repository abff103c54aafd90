import { Command, Option } from 'commander'
import { build } from '../build.js'
import { type BpfMode, bpfModes, defaults, type Flags, logFormats, logLevels } from '../config/settings.js'

/** Commander's names for the flags: it joins words at dashes, not at dots. */
interface Options {
  interface: Flags['interface']
  'interface.exclude': Flags['interfaceExclude']
  'destinations.exclude': Flags['destinationsExclude']
  'destinations.limit': Flags['destinationsLimit']
  'bpf.mode': Flags['bpfMode']
  'bpf.pinPath': Flags['bpfPinPath']
  'web.listenAddress': Flags['webListenAddress']
  'web.telemetryPath': Flags['webTelemetryPath']
  'log.level': Flags['logLevel']
  'log.format': Flags['logFormat']
}

const examples = `
Examples:
  egress-exporter                                      count on the interfaces of the default routes
  egress-exporter --interface eth0 --interface 'wg*'   count on these, also on a wg1 that comes later
  egress-exporter --destinations.exclude none          list private and multicast destinations as well
  egress-exporter check                                see what this host can do, and what runs beside
  egress-exporter cleanup --dry-run                    see what a killed run left behind
  curl -s localhost:10191/metrics                      see what was counted

Exit codes: 0 stopped by a signal, 1 failed at run time, 2 wrong usage or configuration,
77 the kernel or the privileges cannot do it.`

const collect = (value: string, values: readonly string[]): readonly string[] => [...values, value]

/** A list whose first flag replaces the default. */
function replaceThenCollect() {
  let given: readonly string[] = []
  return (value: string) => {
    given = collect(value, given)
    return given
  }
}

const bpfModeOption = () =>
  new Option('--bpf.mode <mode>', 'how to attach; auto takes tcx where the kernel has it')
    .choices(bpfModes)
    .default('auto')

/** What every command has: one line for an error, and help. */
function command(name: string): Command {
  // One line: commander puts its suggestion on a second one.
  const oneLine = (text: string) =>
    text
      .replace(/^error: /, '')
      .trim()
      .replaceAll('\n', ' ')
  return new Command(name)
    .helpOption('-h, --help', 'print this help and exit')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`egress-exporter: ${oneLine(text)}; see --help\n`),
    })
}

/**
 * Reads the command line of `cleanup`.
 *
 * @throws CommanderError as parseFlags does
 */
export function parseCleanupFlags(argv: readonly string[]): { readonly dryRun: boolean } {
  const program = command('egress-exporter cleanup')
    .description('Removes what earlier runs left on this host: their own filters and pins, and nothing else.')
    .option('--dry-run', 'say what would be removed, and remove nothing', false)
    .parse(argv, { from: 'user' })
  return program.opts<{ dryRun: boolean }>()
}

/**
 * Reads the command line of `check`.
 *
 * @throws CommanderError as parseFlags does
 */
export function parseCheckFlags(argv: readonly string[]): { readonly json: boolean; readonly mode: BpfMode } {
  const program = command('egress-exporter check')
    .description('Says what this host can do for the exporter, and what is on it; changes nothing.')
    .option('--json', 'as JSON', false)
    .addOption(bpfModeOption())
    .parse(argv, { from: 'user' })
  const options = program.opts<{ json: boolean; 'bpf.mode': BpfMode }>()
  return { json: options.json, mode: options['bpf.mode'] }
}

/**
 * Reads the command line; the values are still to be validated.
 *
 * @throws CommanderError after it has printed help, version, or a line about a wrong flag
 */
export function parseFlags(argv: readonly string[]): Flags {
  const program = command('egress-exporter')
    .usage('[run | check | cleanup] [flags]')
    .description('Counts what leaves this host, packet by packet, by destination, and tells Prometheus.')
    .argument('[command]', 'run, which is the default, check or cleanup; each has a --help of its own')
    .version(build.version, '--version', 'print the version and exit')
    .addHelpText('after', examples)
    .addOption(
      new Option(
        '--interface <name>',
        'interface to count on, or a glob; repeatable; followed as they come and go',
      )
        .argParser(collect)
        .default([], 'those of the default routes'),
    )
    .addOption(
      new Option('--interface.exclude <name>', 'interface to leave out, or a glob; repeatable')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--destinations.exclude <list>',
        'groups (private, loopback, link-local, multicast) and CIDR prefixes that get no series, separated by commas; none: list everything; repeatable',
      )
        .argParser(replaceThenCollect())
        .default(defaults.destinationsExclude, defaults.destinationsExclude.join(',')),
    )
    .option(
      '--destinations.limit <number>',
      'most destinations in the table, 164 bytes of kernel memory each; traffic beyond counts as overflow',
      String(defaults.destinationsLimit),
    )
    .addOption(bpfModeOption())
    .addOption(
      new Option(
        '--bpf.pin-path <folder>',
        'folder on a BPF file system that keeps counting while the exporter is stopped or upgraded, such as /sys/fs/bpf/egress-exporter',
      ).default('', 'none'),
    )
    .option('--web.listen-address <address>', 'where to serve, [HOST]:PORT', defaults.listenAddress)
    .option('--web.telemetry-path <path>', 'where the metrics are', defaults.telemetryPath)
    .addOption(new Option('--log.level <level>', 'least level to log').choices(logLevels).default('info'))
    .addOption(new Option('--log.format <format>', 'form of log lines').choices(logFormats).default('logfmt'))
    .parse(argv, { from: 'user' })

  const [name = 'run'] = program.args
  if (name !== 'run') program.error(`unknown command '${name}'`)

  const options = program.opts<Options>()
  return {
    interface: options.interface,
    interfaceExclude: options['interface.exclude'],
    destinationsExclude: options['destinations.exclude'],
    destinationsLimit: options['destinations.limit'],
    bpfMode: options['bpf.mode'],
    bpfPinPath: options['bpf.pinPath'],
    webListenAddress: options['web.listenAddress'],
    webTelemetryPath: options['web.telemetryPath'],
    logLevel: options['log.level'],
    logFormat: options['log.format'],
  }
}
