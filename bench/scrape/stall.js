// Loaded into the exporter: prints at SIGUSR2 how long its event loop stood still at most, in ms, since
// the last time.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionMs })
delay.enable()
process.on('SIGUSR2', () => {
  console.error(`stall_ms=${Math.max(0, delay.max / 1e6 - resolutionMs)}`)
  delay.reset()
})
