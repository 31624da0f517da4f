import { credentialErrors } from './credential-errors.ts'
import type { ErrorRow } from './error-row.ts'
import { exchangeErrors } from './exchange-errors.ts'
import { generalErrors } from './general-errors.ts'
import { infrastructureErrors } from './infrastructure-errors.ts'
import { messageErrors } from './message-errors.ts'
import { proofErrors } from './proof-errors.ts'
import { transactionErrors } from './transaction-errors.ts'

/** Every code that any package of this repository throws. */
export type ErrorCode =
  | keyof typeof generalErrors
  | keyof typeof credentialErrors
  | keyof typeof proofErrors
  | keyof typeof messageErrors
  | keyof typeof transactionErrors
  | keyof typeof exchangeErrors
  | keyof typeof infrastructureErrors

/** The one table from code to HTTP status, challenge, vector reason and requirement. */
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = Object.freeze({
  ...generalErrors,
  ...credentialErrors,
  ...proofErrors,
  ...messageErrors,
  ...transactionErrors,
  ...exchangeErrors,
  ...infrastructureErrors,
})
