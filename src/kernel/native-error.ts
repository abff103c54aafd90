/** An error that the addon throws: what was tried, on what, and errno's name. */
export interface NativeError extends Error {
  readonly code: string
  readonly operation: string
  readonly object: string
  /** What libbpf and the kernel said, possibly in many lines; often empty. */
  readonly detail: string
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'operation' in error && 'code' in error
}
