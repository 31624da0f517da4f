export { type BatchedLines, batchLines } from './batched-lines.ts'
export {
  type ConfigFault,
  checked,
  type Decoded,
  type Decoder,
  flag,
  formatFault,
  integer,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  requireConfig,
  text,
} from './decode.ts'
export { type ListenAddress, type Listening, listen } from './listen.ts'
export { describeFailure, type EventFields, jsonLinesLog, type OperatorLog } from './operator-log.ts'
export { type Program, type ProgramParts, runProgram } from './run-program.ts'
