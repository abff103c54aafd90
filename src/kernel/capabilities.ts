import { readFileSync } from 'node:fs'

/** Bit numbers of include/uapi/linux/capability.h. */
const bits = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const

export type Capability = keyof typeof bits

function effective(status: string): (capability: Capability) => boolean {
  const set = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return (capability) => ((set >> BigInt(bits[capability])) & 1n) === 1n
}

const ownStatus = () => readFileSync('/proc/self/status', 'utf8')

/** Those that matter here and the process has. */
export function heldCapabilities(status: string = ownStatus()): Capability[] {
  return (Object.keys(bits) as Capability[]).filter(effective(status))
}

/** The capabilities of these that the process has not; CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON. */
export function missingCapabilities(
  wanted: readonly Capability[],
  status: string = ownStatus(),
): Capability[] {
  const has = effective(status)
  return wanted.filter(
    (capability) => !has(capability) && (capability.startsWith('CAP_NET_') || !has('CAP_SYS_ADMIN')),
  )
}
