export { type FederationRelationship, type NewEntry, type SpireAdmin, spireAdmin } from './admin.ts'
export { type AttestedNode, attestByJoinToken, type NodeSvid, renewNode } from './agent.ts'
export { type AuthorityKind, type AuthorityRotation, type AuthorityStates, authorityRotation } from './authority.ts'
export { type AuthorityKey, getBundle, getFederatedBundle, type TrustDomainBundle } from './bundle.ts'
export {
  type BundleDocument,
  formatBundleDocument,
  formatTrustAnchorsPem,
  parseBundleDocument,
} from './bundle-document.ts'
export { getAuthorizedEntries, type RegistrationEntry, type Selector } from './entry.ts'
export { isServing } from './health.ts'
export { openAdminSocket, openServerPort, type SpireClientCredential, type SpireServerAddress } from './transport.ts'
export { type IssuedWitSvid, issueWitSvid, type WitSvidRequest } from './wit-svid.ts'
export { type IssuedX509Svid, issueX509Svid, type X509SvidRequest } from './x509-svid.ts'
