import { runService } from '@wimse/shop-platform'
import { fraud } from './fraud.ts'

await runService(process.argv[2], fraud)
