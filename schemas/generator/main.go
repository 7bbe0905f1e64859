// Command generator writes the facts about Kubernetes' types that Orrery is driven by, one JSON file per group-version.
//
// Three sources are joined: Go reflection over the public types (field order, JSON and protobuf tags, Go type names), the
// generated OpenAPI definitions of k8s.io/kubernetes (required, enums, defaults, list and map types), and its recorded
// discovery documents (resources.json). No prose is copied. Run it through `node schemas/generate.mjs`.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	kubernetes := flag.String("kubernetes", "", "folder of the module k8s.io/kubernetes")
	out := flag.String("out", "", "folder to write to")
	release := flag.String("release", "", "release that the facts are of")
	flag.Parse()
	if err := run(*kubernetes, *out, *release); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubernetes, out, release string) error {
	definitions, err := readDefinitions(filepath.Join(kubernetes, "pkg/generated/openapi/zz_generated.openapi.go"))
	if err != nil {
		return err
	}
	published, err := readPublished(filepath.Join(kubernetes, "api/openapi-spec"))
	if err != nil {
		return err
	}
	discovery, err := readDiscovery(filepath.Join(kubernetes, "api/discovery"))
	if err != nil {
		return err
	}
	c := &collector{definitions: definitions, published: published, types: map[string]*typeFacts{}}
	if err := c.addRoots(discovery); err != nil {
		return err
	}
	for file, types := range c.byFile() {
		if err := writeTypes(filepath.Join(out, file+".json"), release, types); err != nil {
			return err
		}
	}
	return writeResources(filepath.Join(out, "resources.json"), release, discovery)
}
