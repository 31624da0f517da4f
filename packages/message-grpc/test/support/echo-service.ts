import { create, createFileRegistry } from '@bufbuild/protobuf'
import type { GenService } from '@bufbuild/protobuf/codegenv2'
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from '@bufbuild/protobuf/wkt'

type Method<Kind extends string> = {
  readonly methodKind: Kind
  readonly input: typeof StringValueSchema
  readonly output: typeof StringValueSchema
}

/** A service with a method of each kind. */
export type EchoService = GenService<{
  say: Method<'unary'>
  whisper: Method<'unary'>
  collect: Method<'client_streaming'>
  repeat: Method<'server_streaming'>
  chat: Method<'bidi_streaming'>
}>

const text = '.google.protobuf.StringValue'
const method = (name: string, clientStreaming = false, serverStreaming = false) => ({
  name,
  inputType: text,
  outputType: text,
  clientStreaming,
  serverStreaming,
})
const file = create(FileDescriptorProtoSchema, {
  name: 'echo.proto',
  package: 'shop.echo',
  syntax: 'proto3',
  dependency: [file_google_protobuf_wrappers.proto.name],
  service: [
    {
      name: 'Echo',
      method: [method('Say'), method('Whisper'), method('Collect', true), method('Repeat', false, true), method('Chat', true, true)],
    },
  ],
})
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file_google_protobuf_wrappers.proto, file] }))

/** `shop.echo.Echo`, made at run time: a test needs no generated files. */
export const Echo: EchoService = registry.getService('shop.echo.Echo') as EchoService
