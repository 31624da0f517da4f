import { runService } from '@wimse/shop-platform'
import { ledger } from './ledger.ts'

await runService(process.argv[2], ledger)
