import t from 'tap'
import { MemoryBackend } from '../../src/storage/backends/memory.ts'
import { storeContract } from './contract.ts'

storeContract(t, { persistent: false, make: () => () => new MemoryBackend() })
