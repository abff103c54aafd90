import { setTimeout as sleep } from 'node:timers/promises'

const intervalMs = 20

/** What takes longer hangs, however slow the machine is. */
export const hangMs = 120_000

/**
 * Repeats an attempt until it stops throwing, and returns what it returned; throws its last error if
 * it hangs.
 */
export async function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + hangMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await sleep(intervalMs)
  }
}
