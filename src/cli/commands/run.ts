import { type Command, Option } from 'commander'
import { build } from '../../build.js'
import type { CommandLine } from '../../config/load.js'
import { optionNames } from '../../config/options.js'
import { command, settingOption, valueOf } from '../flags.js'

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

/**
 * The program itself, whose other commands are added to it.
 *
 * @param act gets the command line, whose values are still to be validated
 */
export function runCommand(act: (commandLine: CommandLine) => Promise<void> | void): Command {
  const settings = optionNames.map((name) => [name, settingOption(name)] as const)
  const configFile = new Option('--config.file <path>', 'YAML file with these options; a flag is stronger')
  const configCheck = new Option('--config.check', 'validate the settings and exit').default(false)
  const program = command('egress-exporter')
    .usage('[run | top | destinations | check | cleanup] [flags]')
    .description('Counts what leaves this host, packet by packet, by destination, and tells Prometheus.')
    .argument('[run]', 'which is the default')
    .version(build.version, '--version', 'print the version and exit')
    .addHelpText('after', examples)
    // The flags of the other commands come after their names.
    .enablePositionalOptions()
    .helpCommand(false)
  for (const option of [...settings.map(([, option]) => option), configFile, configCheck]) {
    program.addOption(option)
  }
  return program.action((name = 'run') => {
    if (name !== 'run') program.error(`unknown command '${name}'`)
    const file = valueOf(program, configFile) as string | undefined
    return act({
      given: Object.fromEntries(
        settings.flatMap(([option, flag]) => {
          const value = valueOf(program, flag)
          return value === undefined ? [] : [[option, value]]
        }),
      ),
      ...(file !== undefined && { configFile: file }),
      configCheck: valueOf(program, configCheck) as boolean,
    })
  })
}
