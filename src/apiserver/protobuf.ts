/** The protobuf form of answers: objects in a runtime.Unknown envelope, watch events in length-delimited frames. */
import { notAcceptable, unsupportedMediaType } from '../errors.ts'

const UNAVAILABLE = () => notAcceptable(['application/json', 'application/yaml'])

export function encodeProtobuf(_object: object): Buffer {
  throw UNAVAILABLE()
}

export function encodeProtobufWatchEvent(_type: string, _object: object): Buffer {
  throw UNAVAILABLE()
}

export function decodeProtobuf(_bytes: Buffer): unknown {
  throw unsupportedMediaType(['application/json', 'application/yaml'])
}
