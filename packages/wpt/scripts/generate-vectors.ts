// Writes vectors/wpt.json: node --conditions=wimse-source scripts/generate-vectors.ts && biome format --write vectors
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { makeWptVectors } from './wpt-vectors.ts'

const file = new URL('../vectors/wpt.json', import.meta.url)
const existing = existsSync(file) ? readFileSync(file, 'utf8') : ''
writeFileSync(file, `${JSON.stringify(await makeWptVectors(existing), null, 2)}\n`)
