/** Why a part of the environment could not be set up: the suite's reason for a check that did not run. */
export class SetupError extends Error {
  readonly code: 'timeout' | 'exited' | 'command-failed'

  constructor(code: SetupError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SetupError'
    this.code = code
  }
}
