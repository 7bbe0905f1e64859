package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

type group struct {
	Name     string
	Versions []struct{ GroupVersion, Version string }
}

type discovery struct {
	groups    []group
	resources map[string][]map[string]any
}

func (d *discovery) has(groupVersion string) bool {
	return d.resources[groupVersion] != nil
}

func readJSON(file string, into any) error {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(bytes, into)
}

// readDiscovery keeps the stable versions, which are those that a server serves unless told otherwise.
func readDiscovery(dir string) (*discovery, error) {
	var list struct{ Groups []group }
	if err := readJSON(filepath.Join(dir, "apis.json"), &list); err != nil {
		return nil, err
	}
	d := &discovery{resources: map[string][]map[string]any{}}
	if err := d.read(filepath.Join(dir, "api__v1.json"), "v1"); err != nil {
		return nil, err
	}
	for _, g := range list.Groups {
		kept := group{Name: g.Name}
		for _, v := range g.Versions {
			if !stable.MatchString(v.Version) {
				continue
			}
			kept.Versions = append(kept.Versions, v)
			if err := d.read(filepath.Join(dir, "apis__"+strings.ReplaceAll(v.GroupVersion, "/", "__")+".json"), v.GroupVersion); err != nil {
				return nil, err
			}
		}
		if len(kept.Versions) > 0 {
			d.groups = append(d.groups, kept)
		}
	}
	return d, nil
}

func (d *discovery) read(file, groupVersion string) error {
	var list struct{ Resources []map[string]any }
	if err := readJSON(file, &list); err != nil {
		return err
	}
	d.resources[groupVersion] = list.Resources
	return nil
}
