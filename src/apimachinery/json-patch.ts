export function parseJSONPatch(_bytes: Uint8Array): unknown[] { throw new Error('to be written') }
export function applyJSONPatch(_document: unknown, _patch: unknown[]): unknown { throw new Error('to be written') }
