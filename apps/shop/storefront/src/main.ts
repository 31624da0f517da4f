import { runService } from '@wimse/shop-platform'
import { storefront } from './storefront.ts'

await runService(process.argv[2], storefront)
