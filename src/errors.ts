/** How the process ends; docs/flags.md lists them for scripts that call it. */
export const ExitCode = {
  ok: 0,
  /** Failed at run time. */
  failed: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** The kernel or the privileges cannot do it. */
  unsupported: 77,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/**
 * An error for the person who started the program: one line that names the thing, the reason and the
 * remedy. It ends the process with its exit code and without a stack trace.
 */
export class UserError extends Error {
  override name = 'UserError'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Wrong usage or configuration. */
export const usageError = (message: string): UserError => new UserError(message, ExitCode.usage)
