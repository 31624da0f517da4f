// Writes vectors/message-proof.json: node --conditions=wimse-source scripts/generate-vectors.ts && biome format --write vectors
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { makeMessageVectors } from './message-vectors.ts'

const file = new URL('../vectors/message-proof.json', import.meta.url)
const existing = existsSync(file) ? readFileSync(file, 'utf8') : ''
writeFileSync(file, `${JSON.stringify(await makeMessageVectors(existing), null, 2)}\n`)
