// Writes vectors/transaction-token.json: node --conditions=wimse-source scripts/generate-vectors.ts && biome format --write vectors
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { makeTransactionTokenVectors } from './transaction-token-vectors.ts'

const file = new URL('../vectors/transaction-token.json', import.meta.url)
const existing = existsSync(file) ? readFileSync(file, 'utf8') : ''
writeFileSync(file, `${JSON.stringify(await makeTransactionTokenVectors(existing), null, 2)}\n`)
