import { runService } from '@wimse/shop-platform'
import { payments } from './payments.ts'

await runService(process.argv[2], payments)
