import { Command, Option } from 'commander'
import { build } from '../build.js'
import type { CommandLine } from '../config/load.js'
import { type BpfMode, definition, type OptionName, optionNames } from '../config/options.js'

const examples = `
Examples:
  egress-exporter                                      count on the interfaces of the default routes
  egress-exporter --interface eth0 --interface 'wg*'   count on these, also on a wg1 that comes later
  egress-exporter --destinations.exclude none          list private and multicast destinations as well
  egress-exporter --destinations.replies aggregate     on a server: list whom it calls, not its clients
  egress-exporter --config.file egress.yml             the same names as keys; SIGHUP reads it again
  egress-exporter top                                  watch where packets go, each second
  egress-exporter check                                see what this host can do, and what runs beside
  egress-exporter cleanup --dry-run                    see what a killed run left behind
  egress-exporter destinations --status new            see whom this host never talked to before
  egress-exporter destinations ack 192.0.2.7           and say that it is known
  curl -s localhost:10191/metrics                      see what was counted

Exit codes: 0 stopped by a signal, 1 failed at run time, 2 wrong usage or configuration,
77 the kernel or the privileges cannot do it.`

/** What every command has: one line for an error, and help. */
export function command(name: string): Command {
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

/** The option of a setting. Its default stands in the help alone: whether it was given must be seen. */
export function settingOption(name: OptionName): Option {
  const {
    value,
    help,
    list,
    choices,
    toggle,
    default: initial,
    shownDefault = String(initial),
  } = definition(name)
  if (toggle) return new Option(`--${name}`, help).argParser(() => 'true')
  const shown = shownDefault === '' ? help : `${help} (default: ${shownDefault})`
  const option = new Option(`--${name} <${value}>`, shown)
  if (choices) option.choices(choices)
  // After the choices, which read a value in their own way.
  if (list) {
    option.argParser((text: string, given: readonly string[] | undefined) => [...(given ?? []), text])
  }
  return option
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
  const mode = settingOption('bpf.mode')
  const program = command('egress-exporter check')
    .description('Says what this host can do for the exporter, and what is on it; changes nothing.')
    .option('--json', 'as JSON', false)
    .addOption(mode)
    .parse(argv, { from: 'user' })
  const options = program.opts<{ json: boolean }>()
  return {
    json: options.json,
    mode: (program.getOptionValue(mode.attributeName()) as BpfMode | undefined) ?? 'auto',
  }
}

/**
 * Reads the command line; the values are still to be validated.
 *
 * @throws CommanderError after it has printed help, version, or a line about a wrong flag
 */
export function parseFlags(argv: readonly string[]): CommandLine {
  const settings = optionNames.map((name) => [name, settingOption(name)] as const)
  const configFile = new Option('--config.file <path>', 'YAML file with these options; a flag is stronger')
  const configCheck = new Option('--config.check', 'validate the settings and exit').default(false)
  const program = command('egress-exporter')
    .usage('[run | top | destinations | check | cleanup] [flags]')
    .description('Counts what leaves this host, packet by packet, by destination, and tells Prometheus.')
    .argument(
      '[command]',
      'run, which is the default, top, destinations, check or cleanup; each has a --help of its own',
    )
    .version(build.version, '--version', 'print the version and exit')
    .addHelpText('after', examples)
  for (const option of [...settings.map(([, option]) => option), configFile, configCheck]) {
    program.addOption(option)
  }
  program.parse(argv, { from: 'user' })

  const [name = 'run'] = program.args
  if (name !== 'run') program.error(`unknown command '${name}'`)

  // Commander joins words at dashes, not at dots.
  const valueOf = (option: Option): unknown => program.getOptionValue(option.attributeName())
  const file = valueOf(configFile) as string | undefined
  return {
    given: Object.fromEntries(
      settings.flatMap(([option, flag]) => {
        const value = valueOf(flag)
        return value === undefined ? [] : [[option, value]]
      }),
    ),
    ...(file !== undefined && { configFile: file }),
    configCheck: valueOf(configCheck) as boolean,
  }
}
