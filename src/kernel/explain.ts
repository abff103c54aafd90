import { release } from 'node:os'
import { ExitCode, UserError } from '../errors.js'
import { isNativeError, type NativeError } from './native-error.js'
import { type Capability, missingCapabilities } from './capabilities.js'

/** How to grant what is missing, in one line. */
const grant = 'run it as root, or grant them with AmbientCapabilities= in its systemd unit'

/**
 * Turns a native failure into a line for people: what failed, on what, why, what to do. Other errors
 * come back as they are.
 */
export function explain(error: unknown): unknown {
  if (!isNativeError(error)) return error
  const { message, exitCode } = diagnose(error)
  return new UserError(message, exitCode, { cause: error })
}

function diagnose(error: NativeError): { message: string; exitCode: ExitCode } {
  const unsupported = (message: string) => ({ message, exitCode: ExitCode.unsupported })
  const usage = (message: string) => ({ message, exitCode: ExitCode.usage })
  const failed = (message: string) => ({ message, exitCode: ExitCode.failed })
  const on = error.object === '' ? '' : ` on ${error.object}`
  const kernel = `kernel ${release()}`

  if (error.operation.endsWith(' pins') && (error.code === 'EPERM' || error.code === 'EACCES')) {
    return unsupported(
      `--bpf.pin-path ${error.object}: not permitted: make the folder as root and give it to the user that runs the exporter`,
    )
  }
  const permission = error.code === 'EPERM' || error.code === 'EACCES'
  if (permission && error.operation !== 'count processors') return unsupported(explainPermission(error))

  const pins = `--bpf.pin-path ${error.object}`
  switch (`${error.operation} ${error.code}`) {
    case 'lock pins EBUSY':
      return usage(
        `${pins}: ${error.detail === '' ? 'another process' : `process ${error.detail}`} counts there already: stop it, or choose another folder`,
      )
    case 'lock storage EBUSY':
      return failed(
        `--storage.path ${error.object}: ${error.detail === '' ? 'another process' : `process ${error.detail}`} remembers there already: stop it, or choose another folder`,
      )
    case 'open pins ENOMEDIUM':
      return usage(
        `${pins} is not on a BPF file system: choose a folder below /sys/fs/bpf, mounted with mount -t bpf bpf /sys/fs/bpf`,
      )
    case 'open pins EROFS':
    case 'pin EROFS':
      return usage(
        `${pins}: the BPF file system is read-only here: mount it writable (systemd: without ProtectKernelTunables=)`,
      )
    case 'open pins ENOENT':
      return usage(`${pins}: the folder above it does not exist: make it, or choose another`)
    case 'open pins EXDEV':
      return usage(
        `${pins} counts in another network namespace: choose another folder, or remove it with egress-exporter cleanup`,
      )
    case 'open pins EOPNOTSUPP':
      return unsupported(`${kernel} cannot pin counters (Linux 5.5 and newer): run without --bpf.pin-path`)
    case 'load program ENOSYS':
      return unsupported(`${kernel} has no BPF: it needs CONFIG_BPF_SYSCALL, which distribution kernels have`)
    case 'attach tcx EINVAL':
      return unsupported(`${kernel} has no TCX (Linux 6.6 and newer)${on}: use --bpf.mode=auto or clsact`)
    case 'add clsact qdisc ENOENT':
    case 'add clsact qdisc EOPNOTSUPP':
      return unsupported(
        `${kernel} has neither TCX nor the clsact qdisc${on}: load it with modprobe sch_ingress (CONFIG_NET_SCH_INGRESS)`,
      )
    case 'add clsact qdisc EEXIST':
      return failed(explainQdisc(error.object))
    case 'attach clsact ENOENT':
    case 'attach clsact EOPNOTSUPP':
      return unsupported(
        `${kernel} has no BPF classifier${on}: load it with modprobe cls_bpf (CONFIG_NET_CLS_BPF)`,
      )
    case 'attach EEXIST':
      return failed(`interface ${error.object} is attached already`)
    case 'attach ENOSPC':
      return failed(`interface ${error.object} is one too many: 1024 can be counted at a time`)
  }
  if (error.operation === 'count processors') {
    return unsupported(
      `cannot read ${error.object} (${error.code}), and per-CPU counters need it: mount sysfs on /sys`,
    )
  }
  if (error.code === 'ENODEV')
    return failed(`interface ${error.object} vanished while the program was attached to it`)
  if (error.code === 'ENOMEM' || error.code === 'E2BIG') {
    return failed(
      `the kernel has not enough memory for the tables: lower --destinations.limit (${error.message})`,
    )
  }
  return failed(withDetail(error.message, error.detail))
}

/** An `ingress` qdisc has the place of clsact, and no egress side. */
export const explainQdisc = (name: string): string =>
  `interface ${name}: an ingress qdisc has the place of clsact, so what leaves cannot be counted: replace it by tc qdisc delete dev ${name} ingress and tc qdisc add dev ${name} clsact, which takes the same filters, or use Linux 6.6 or newer with --bpf.mode=auto`

function explainPermission(error: NativeError): string {
  const what = error.operation.startsWith('load')
    ? 'load the BPF program'
    : `${error.operation} ${error.object}`.trim()
  // Kernels without d75e30dddf73 reject its comparison of packet pointers without CAP_PERFMON.
  const wanted: Capability[] =
    error.operation === 'listen to DNS' ? ['CAP_NET_RAW'] : ['CAP_BPF', 'CAP_NET_ADMIN']
  if (error.detail.includes('pointer comparison prohibited')) wanted.push('CAP_PERFMON')
  const missing = missingCapabilities(wanted)
  if (missing.length > 0) return `cannot ${what}: ${missing.join(' and ')} missing; ${grant}`
  return withDetail(
    `cannot ${what}: the kernel refuses it although no capability is missing: look for a container's seccomp profile, a user namespace, or lockdown`,
    error.detail,
  )
}

/** The last line of libbpf's words is usually the kernel's own. */
function withDetail(message: string, detail: string): string {
  const last = detail.trim().split('\n').at(-1)
  return last ? `${message} (${last})` : message
}
