export { type NodeFetchBundleOptions, nodeFetchBundle } from './node/node-fetch-bundle.ts'
