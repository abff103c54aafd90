import type { Command } from 'commander'
import type { BpfMode } from '../../config/options.js'
import { command, settingOption, valueOf } from '../flags.js'

export interface CheckFlags {
  readonly json: boolean
  readonly mode: BpfMode
}

export function checkCommand(act: (flags: CheckFlags) => Promise<void>): Command {
  const mode = settingOption('bpf.mode')
  return command('check')
    .summary('see what this host can do, and what runs beside')
    .description('Says what this host can do for the exporter, and what is on it; changes nothing.')
    .option('--json', 'as JSON', false)
    .addOption(mode)
    .action(({ json }: { json: boolean }, program: Command) =>
      act({ json, mode: (valueOf(program, mode) as BpfMode | undefined) ?? 'auto' }),
    )
}
