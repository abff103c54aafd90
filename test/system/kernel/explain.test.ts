import t from 'tap'
import { ExitCode, UserError } from '../../../src/errors.js'
import { explain } from '../../../src/kernel/explain.js'

const failure = (operation: string, code: string, object = '', detail = '') =>
  Object.assign(new Error(`${operation} ${object}: ${code}`), { operation, code, object, detail })

// This process has every capability, so a refusal has another reason.
const cases: [error: Error, message: RegExp, exitCode: ExitCode][] = [
  [
    failure('load program', 'EPERM'),
    /^cannot load the BPF program: the kernel refuses it although no capability is missing/,
    ExitCode.unsupported,
  ],
  [
    failure('load program', 'ENOSYS'),
    /^kernel \S+ has no BPF: it needs CONFIG_BPF_SYSCALL/,
    ExitCode.unsupported,
  ],
  [failure('load program', 'ENOMEM'), /lower --destinations.limit/, ExitCode.failed],
  [failure('load program', 'EINVAL', '', 'first\nlast line\n'), /\(last line\)$/, ExitCode.failed],
  [
    failure('attach tcx', 'EINVAL', 'eth0'),
    /has no TCX .* on eth0: use --bpf.mode=auto or clsact$/,
    ExitCode.unsupported,
  ],
  [
    failure('add clsact qdisc', 'ENOENT', 'eth0'),
    /clsact qdisc on eth0: load it with modprobe sch_ingress/,
    ExitCode.unsupported,
  ],
  [
    failure('attach clsact', 'ENOENT', 'eth0'),
    /BPF classifier on eth0: load it with modprobe cls_bpf/,
    ExitCode.unsupported,
  ],
  [failure('attach', 'EEXIST', 'eth0'), /^interface eth0 is attached already$/, ExitCode.failed],
  [failure('attach', 'ENOSPC', 'eth0'), /^interface eth0 is one too many/, ExitCode.failed],
  [failure('attach tcx', 'ENODEV', 'eth0'), /^interface eth0 vanished/, ExitCode.failed],
]
for (const [error, message, exitCode] of cases) {
  const explained = explain(error)
  t.ok(explained instanceof UserError)
  t.match(explained, { message, exitCode, cause: error })
  t.notMatch((explained as Error).message, '\n', 'one line')
}

const other = new Error('other')
t.equal(explain(other), other, 'what does not come from the addon stays as it is')
