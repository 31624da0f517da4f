export { SAMPLE_CLIENT, type SignInClient, type SignInOptions, SignInRefusal, signIn } from './user/sign-in.ts'
export { type UserFetch, type UserFetchOptions, userFetch } from './user/user-fetch.ts'
