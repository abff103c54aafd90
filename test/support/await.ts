import { setTimeout as sleep } from 'node:timers/promises'

const intervalMs = 20
const deadlineMs = Number(process.env['EGRESS_TEST_DEADLINE_MS'] ?? 15_000)

/** Repeats an attempt until it stops throwing, and returns what it returned; its last error after 15 s. */
export async function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await sleep(intervalMs)
  }
}
