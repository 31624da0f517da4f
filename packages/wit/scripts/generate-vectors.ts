// Writes vectors/wit.json: node --conditions=wimse-source scripts/generate-vectors.ts && biome format --write vectors
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { makeWitVectors } from './wit-vectors.ts'

const file = new URL('../vectors/wit.json', import.meta.url)
const existing = existsSync(file) ? readFileSync(file, 'utf8') : ''
writeFileSync(file, `${JSON.stringify(await makeWitVectors(existing), null, 2)}\n`)
