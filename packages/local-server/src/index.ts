export { type FoundProgram, findProgram, type ServerProgram } from './find-program.ts'
export { type LocalServer, type LocalServerOptions, type ServerFiles, type ServerPlace, startLocalServer } from './start-local-server.ts'
