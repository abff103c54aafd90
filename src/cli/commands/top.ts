import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SortKey } from '../../destinations/fields.js'
import { sortKeys } from '../../top/sort-keys.js'
import { command, settingOption, valueOf } from '../flags.js'

const examples = `
Examples:
  egress-exporter top                                  what leaves this host now, each second
  egress-exporter top --interface wg0 --sort packets   only there, those with most packets first
  egress-exporter top --once | head                    a table, once
  egress-exporter top --json | jq .matched             for programs, a line each second
  egress-exporter top --url https://user:pass@web1:10191

Keys: s sort, r reverse, / search, i interface, n only new, space pause, arrows scroll, q quit.
Without --url it asks the exporter on this host; if none answers, it counts for itself, as root,
and leaves nothing behind.`

/** Where an exporter serves, unless it is told otherwise. */
export const localUrl = 'http://localhost:10191'

export interface TopFlags {
  /** Absent: the exporter on this host, or none. */
  readonly url?: URL
  readonly once?: true
  readonly json?: true
  readonly sort: SortKey
  readonly search?: string
  readonly interfaces: readonly string[]
  readonly exclude: readonly string[] | undefined
}

export function topCommand(act: (flags: TopFlags) => Promise<void>): Command {
  const [interfaceOption, excludeOption] = [settingOption('interface'), settingOption('destinations.exclude')]
  return command('top')
    .summary('watch where packets go, each second')
    .description('Shows where the packets of this host go, each second, those with the highest rate first.')
    .addOption(new Option('--url <url>', `exporter to ask (default: ${localUrl})`).argParser(parseUrl))
    .addOption(interfaceOption)
    .addOption(excludeOption)
    .addOption(new Option('--sort <key>', 'what comes first').choices(sortKeys).default('bytes_per_second'))
    .option('--search <text>', 'only addresses that contain this, or lie within this prefix')
    .option('--once', 'print a table, and end')
    .option('--json', 'print JSON, as /api/v1/destinations has it')
    .addHelpText('after', examples)
    .action((flags: Omit<TopFlags, 'interfaces' | 'exclude'>, program: Command) => {
      const interfaces = (valueOf(program, interfaceOption) as readonly string[] | undefined) ?? []
      const exclude = valueOf(program, excludeOption) as readonly string[] | undefined
      if (flags.url && interfaces.length > 1)
        program.error('of an exporter that runs, one --interface can be shown')
      return act({ ...flags, interfaces, exclude })
    })
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new InvalidArgumentError(`Write a URL such as ${localUrl}`)
}
