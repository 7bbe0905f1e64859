// What every build shares: how folders are loaded and which packages stay outside the bundle.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import YAML from 'yaml'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

function walk(dir) {
  return fs
    .readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((e) => (e.isDirectory() ? walk(path.join(dir, e.name)) : /\.(ts|yaml)$/.test(e.name) && !e.name.startsWith('_') ? [path.join(dir, e.name)] : []))
}

/**
 * `import modules from 'folder:api'` gives the default exports of every .ts file below that folder of the project, in
 * sorted order, so that a kind, a controller or a plugin is registered by being there. Files that begin with `_` are
 * shared pieces and are not loaded. A .yaml file gives its content, parsed while building.
 */
export const folderPlugin = {
  name: 'folder',
  setup(build) {
    build.onResolve({ filter: /^folder:/ }, (args) => ({ path: args.path.slice('folder:'.length), namespace: 'folder' }))
    build.onLoad({ filter: /.*/, namespace: 'folder' }, (args) => {
      const dir = path.join(root, args.path)
      const files = walk(dir)
      const imports = files.map((f, i) => `import m${i} from ${JSON.stringify(f)}`)
      return { contents: `${imports.join('\n')}\nexport default [${files.map((_, i) => `m${i}`).join(', ')}]`, resolveDir: root, loader: 'js', watchDirs: [dir], watchFiles: files }
    })
    build.onLoad({ filter: /\.yaml$/ }, (args) => ({ contents: JSON.stringify(YAML.parse(fs.readFileSync(args.path, 'utf8'))), loader: 'json' }))
  },
}

/** Native code and what finds its own files at run time cannot be bundled. */
export const external = ['level']
