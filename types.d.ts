/** The default exports of a folder's files, in sorted order; made by the build (scripts/esbuild-options.mjs). */
declare module 'folder:*' {
  const modules: unknown[]
  export default modules
}
