/** What native/node/ does for the process itself: system calls that Node does not have. */
export interface System {
  /**
   * Locks the folder at a path until the process ends; if the process has that one, it is done. Throws a
   * NativeError `lock <what>` with EBUSY, and the other process's id as detail, where another one has it.
   */
  lockFolder(path: string, what: string): void
  /** Listens on a TCP address; returns a descriptor, or throws a NativeError. */
  listenTcp(host: string, port: number): number
  /** Listens on a Unix socket, in place of one that nobody answers; returns a descriptor, or throws a NativeError. */
  listenUnix(path: string): number
  /** Writes what a descriptor takes without waiting; returns how many bytes, or throws a NativeError. */
  writeNow(fd: number, text: Uint8Array): number
  /** Sends a datagram to a service manager's socket, a path or `@` and an abstract name; throws a NativeError. */
  notifyServiceManager(socket: string, message: string): void
  /**
   * From the next SIGINT or SIGTERM on, to which the process listens already, it ends in so many seconds
   * at the latest, even if its event loop hangs; with a second signal at once.
   */
  setStopDeadline(seconds: number): void
  /** All is done: the process ends with this code, in so many seconds at the latest, even if Node hangs. */
  setEndDeadline(seconds: number, code: number): void
  /** Lets SIGUSR1 through to who listens to it; Node's --disable-sigusr1 keeps it waiting till then. */
  unblockSigusr1(): void
  /** Gives back the memory of code that only the start needed; the kernel brings it again when it is. */
  releaseStartupPages(): void
  /** Ends the process without waiting for its threads. */
  exitNow(code: number): never
}
