export function applyMergePatch(_document: unknown, _patch: unknown): unknown { throw new Error('to be written') }
