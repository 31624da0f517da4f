import { runService } from '@wimse/shop-platform'
import { orders } from './orders.ts'

await runService(process.argv[2], orders)
