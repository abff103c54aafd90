import type { FollowerLog } from './follower.js'
import { isNativeError } from './native-error.js'
import type { NativeExporter } from './native/exporter.js'

/** Turns the kernel's statistics on for as long as the process runs; what it refuses is a line in the log. */
export function enableStatistics(exporter: NativeExporter, log: FollowerLog): void {
  try {
    exporter.enableStatistics()
  } catch (error) {
    if (!isNativeError(error)) throw error
    const reason =
      error.code === 'EPERM' ? 'it takes CAP_SYS_ADMIN' : `the kernel has no such switch (${error.code})`
    log.warn({ reason }, 'cannot turn BPF statistics on: --bpf.stats has no effect')
  }
}
