/** What a parser of this folder throws: the message is upstream's, to be wrapped by whoever knows the status code. */
export class ParseError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ParseError'
  }
}

/** What was read is of its type, but upstream cannot bring it into the form that it works with. */
export class ConversionError extends ParseError {}
