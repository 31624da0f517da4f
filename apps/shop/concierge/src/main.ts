import { runService } from '@wimse/shop-platform'
import { concierge } from './concierge.ts'

await runService(process.argv[2], concierge)
