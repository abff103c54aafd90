import { ExitCode } from '../errors.js'
import { loadSystem } from '../kernel/system.js'

/** So long Node may take to end when all is done; docs/architecture.md has this figure. */
const seconds = 5

/** All is done: the process ends once its output is read, though Node may hang then (nodejs/node#54918). */
export function endInTime(): void {
  process.stdout.write('', () => {
    let system
    try {
      system = loadSystem()
    } catch {
      return // what wanted it has said so
    }
    system.setEndDeadline(seconds, Number(process.exitCode ?? ExitCode.ok))
  })
}
