import { readFileSync } from 'node:fs'

/** Bit numbers of include/uapi/linux/capability.h. */
const bits = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const

export type Capability = keyof typeof bits

/** The capabilities of these that the process has not; CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON. */
export function missingCapabilities(
  wanted: readonly Capability[],
  status: string = readFileSync('/proc/self/status', 'utf8'),
): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  const has = (capability: Capability) => ((effective >> BigInt(bits[capability])) & 1n) === 1n
  return wanted.filter(
    (capability) => !has(capability) && (capability === 'CAP_NET_ADMIN' || !has('CAP_SYS_ADMIN')),
  )
}
