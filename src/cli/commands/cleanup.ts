import type { Command } from 'commander'
import { command } from '../flags.js'

export function cleanupCommand(act: (flags: { dryRun: boolean }) => Promise<void>): Command {
  return command('cleanup')
    .summary('remove what a killed run left behind')
    .description('Removes what earlier runs left on this host: their own filters and pins, and nothing else.')
    .option('--dry-run', 'say what would be removed, and remove nothing', false)
    .action(act)
}
