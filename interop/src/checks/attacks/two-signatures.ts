import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'

/** Which of two signatures counts is nothing that a recipient may choose. */
export const twoSignaturesChecks: readonly Check[] = attackChecks({
  name: 'two-tagged-signatures',
  title: 'two signatures with the WIMSE tag',
  proof: 'http-signature',
  requirements: ['SIG-3-36', 'SIG-3-37'],
  change: { tamper: [{ kind: 'second-tagged-signature' }] },
  expect: { refused: 'ERR_HTTP_SIGNATURE_TAG_DUPLICATE' },
})
