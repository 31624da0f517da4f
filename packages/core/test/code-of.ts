import { isWimseError } from '@wimse/core'

/** The code that a step ends with: `ok`, the code of a WimseError, or the name of any other error, which no test expects. */
export function codeOf(step: () => unknown): string {
  try {
    step()
    return 'ok'
  } catch (error) {
    return isWimseError(error) ? error.code : `uncoded: ${String(error)}`
  }
}

/** As {@link codeOf}, for what answers later. */
export async function codeOfAsync(step: () => Promise<unknown>): Promise<string> {
  try {
    await step()
    return 'ok'
  } catch (error) {
    return isWimseError(error) ? error.code : `uncoded: ${String(error)}`
  }
}
