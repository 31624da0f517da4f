import { runWorker } from '@wimse/shop-platform'
import { settlement } from './settlement.ts'

await runWorker(process.argv[2], settlement)
