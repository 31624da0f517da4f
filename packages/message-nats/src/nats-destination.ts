import { WimseError } from '@wimse/core'

/** As a host is written, so that no namespace ends in the middle of another one's subjects. */
const NAMESPACE = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/

/** Whether a text names one subject: tokens between dots, no wildcards, in visible ASCII as destinations are. */
export function isNatsSubject(subject: string): boolean {
  return /^[!-~]+$/.test(subject) && !/[*>]/.test(subject) && subject.split('.').every((token) => token !== '')
}

/**
 * The destination of messages under a subject: `nats://<namespace>/<subject>`.
 *
 * @param namespace what sender and recipient call the account of the broker, such as `shop.example`: lower case letters, digits, dots, hyphens
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function natsDestination(namespace: string, subject: string): string {
  if (!NAMESPACE.test(namespace)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the namespace of a broker' })
  if (!isNatsSubject(subject)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the subject of messages' })
  return `nats://${namespace}/${subject}`
}
