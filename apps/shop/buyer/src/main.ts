import { runService } from '@wimse/shop-platform'
import { buyer } from './buyer.ts'

await runService(process.argv[2], buyer)
