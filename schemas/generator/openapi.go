package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// definition is one function of the generated OpenAPI file: only what is a fact, without descriptions.
type definition struct {
	required   []string
	properties map[string]map[string]any
	extensions map[string]any
	// publishedDefault looks a property's default up in the published OpenAPI v3 documents.
	publishedDefault func(property string) any
}

// readDefinitions evaluates the composite literals of the generated file, so that it need not be compiled with everything
// it imports. The keys are Go import path and type name.
func readDefinitions(file string) (map[string]*definition, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	imports := map[string]string{}
	for _, spec := range parsed.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = path
	}
	functions := map[string]map[string]any{}
	names := map[string]string{}
	for _, decl := range parsed.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		result := fn.Body.List[len(fn.Body.List)-1].(*ast.ReturnStmt).Results[0]
		if fn.Name.Name == "GetOpenAPIDefinitions" {
			for _, element := range result.(*ast.CompositeLit).Elts {
				pair := element.(*ast.KeyValueExpr)
				if goName := typeOfKey(pair.Key, imports); goName != "" {
					names[goName] = pair.Value.(*ast.CallExpr).Fun.(*ast.Ident).Name
				}
			}
			continue
		}
		if object, ok := eval(result).(map[string]any); ok {
			functions[fn.Name.Name] = object
		}
	}
	out := map[string]*definition{}
	for goName, function := range names {
		if object := functions[function]; object != nil {
			out[goName] = newDefinition(object)
		}
	}
	if len(out) < 500 {
		return nil, fmt.Errorf("%s: only %d definitions understood", file, len(out))
	}
	return out, nil
}

// typeOfKey reads `alias.Type{}.OpenAPIModelName()`.
func typeOfKey(key ast.Expr, imports map[string]string) string {
	call, ok := key.(*ast.CallExpr)
	if !ok {
		return ""
	}
	literal, ok := call.Fun.(*ast.SelectorExpr).X.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	selector := literal.Type.(*ast.SelectorExpr)
	return imports[selector.X.(*ast.Ident).Name] + "." + selector.Sel.Name
}

// constant is a Go constant whose value the generated file does not show.
type constant string

// eval turns literals into maps, lists and scalars; calls, which say nothing we keep, become nil.
func eval(e ast.Expr) any {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if value, ok := eval(e.X).(int64); ok && e.Op == token.SUB {
			return -value
		}
		return eval(e.X)
	case *ast.BasicLit:
		switch e.Kind {
		case token.STRING:
			s, _ := strconv.Unquote(e.Value)
			return s
		case token.INT:
			n, _ := strconv.ParseInt(e.Value, 0, 64)
			return n
		case token.FLOAT:
			n, _ := strconv.ParseFloat(e.Value, 64)
			return n
		}
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return e.Name == "true"
		}
	case *ast.CallExpr:
		name, ok := e.Fun.(*ast.Ident)
		if ok && name.Name == "ref" {
			return true
		}
		if ok && len(e.Args) == 1 {
			return eval(e.Args[0]) // a conversion such as int32(0)
		}
	case *ast.SelectorExpr:
		return constant(e.Sel.Name)
	case *ast.CompositeLit:
		return evalComposite(e)
	}
	return nil
}

func evalComposite(e *ast.CompositeLit) any {
	if array, ok := e.Type.(*ast.ArrayType); ok && array.Len == nil {
		list := []any{}
		for _, element := range e.Elts {
			list = append(list, eval(element))
		}
		return list
	}
	object := map[string]any{}
	for _, element := range e.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if name, ok := pair.Key.(*ast.Ident); ok {
			object[name.Name] = eval(pair.Value)
		} else if key := text(eval(pair.Key)); key != "" {
			object[key] = eval(pair.Value)
		}
	}
	return object
}

func child(object map[string]any, path ...string) map[string]any {
	for _, key := range path {
		object, _ = object[key].(map[string]any)
	}
	return object
}

func texts(v any) []string {
	out := []string{}
	list, _ := v.([]any)
	for _, item := range list {
		out = append(out, text(item))
	}
	return out
}

func newDefinition(object map[string]any) *definition {
	d := &definition{properties: map[string]map[string]any{}, extensions: child(object, "Schema", "VendorExtensible", "Extensions")}
	props := child(object, "Schema", "SchemaProps")
	d.required = texts(props["Required"])
	for name := range child(props, "Properties") {
		d.properties[name] = child(props, "Properties", name)
	}
	return d
}

// zeroDefault is the default that OpenAPI documents give a Go type of its own accord.
func zeroDefault(t reflect.Type, omitempty bool) any {
	if t.Kind() == reflect.Struct && special[t.PkgPath()+"."+t.Name()] == "" {
		return map[string]any{}
	}
	if omitempty {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return ""
	case reflect.Bool:
		return false
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return int64(0)
	}
	return nil
}

// setOpenAPI adds what the definition says of the field. Defaults are kept only where they are not the Go zero value.
func (f *field) setOpenAPI(t reflect.Type, def *definition) error {
	prop, ok := def.properties[f.Name]
	if !ok {
		f.Required = len(def.properties) == 0 && !f.Omitempty
		return nil
	}
	f.Required = slices.Contains(def.required, f.Name)
	props, ext := child(prop, "SchemaProps"), child(prop, "VendorExtensible", "Extensions")
	f.ListType, f.MapType = text(ext["x-kubernetes-list-type"]), text(ext["x-kubernetes-map-type"])
	f.ListMapKeys = texts(ext["x-kubernetes-list-map-keys"])
	if text(ext["x-kubernetes-patch-strategy"]) != f.PatchStrategy || text(ext["x-kubernetes-patch-merge-key"]) != f.PatchMergeKey {
		return fmt.Errorf("the patch strategy of the OpenAPI definition differs from the struct tag's")
	}
	f.Undescribed = text(props["Description"]) == "" && props["Ref"] != nil
	f.Enum, _ = props["Enum"].([]any)
	if _, hidden := props["Default"].(constant); hidden {
		props["Default"] = def.publishedDefault(f.Name)
	}
	if got, zero := props["Default"], zeroDefault(t, f.Omitempty); !sameValue(got, zero) {
		f.Default, f.NoDefault = got, got == nil
	}
	items := child(props, "Items", "Schema", "SchemaProps")
	if items == nil {
		items = child(props, "AdditionalProperties", "Schema", "SchemaProps")
	}
	f.ItemEnum, _ = items["Enum"].([]any)
	if f.Type != "bytes" && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		if got := items["Default"]; !sameValue(got, zeroDefault(t.Elem(), false)) {
			return fmt.Errorf("the default %v of the items does not follow from their type", got)
		}
	}
	if format := text(props["Format"]); format != f.impliedFormat() {
		f.Format = format
	}
	return nil
}

func (f *field) impliedFormat() string {
	switch plain, _, _ := strings.Cut(strings.TrimPrefix(f.Type, "*"), "<"); plain {
	case "int32", "int64":
		return plain
	case "float64":
		return "double"
	case "bytes":
		return "byte"
	case "uint32":
		return "int64"
	}
	return ""
}

func sameValue(a, b any) bool {
	return fmt.Sprint(a) == fmt.Sprint(b) && (a == nil) == (b == nil)
}

// published is what the OpenAPI documents of the release say that the definitions do not.
type published struct {
	// kinds tells which kinds each definition serves as, `group/version/kind`.
	kinds map[string][]string
	// parameters has the names of the parameters that operations share, by parameter name and description. They end with a
	// hash over the description, so they cannot be derived without it.
	parameters map[[2]string]string
	v3         string
}

// schemaDefault reads the v3 documents, which alone have defaults, for the few that need it.
func (p *published) schemaDefault(name, property string) any {
	files, _ := filepath.Glob(filepath.Join(p.v3, "*_openapi.json"))
	for _, file := range files {
		var doc struct {
			Components struct {
				Schemas map[string]struct {
					Properties map[string]struct{ Default any }
				}
			}
		}
		if readJSON(file, &doc) == nil && doc.Components.Schemas[name].Properties[property].Default != nil {
			return doc.Components.Schemas[name].Properties[property].Default
		}
	}
	return nil
}

func readPublished(dir string) (*published, error) {
	file := filepath.Join(dir, "swagger.json")
	var doc struct {
		Definitions map[string]struct {
			GVKs []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
		}
		Parameters map[string]struct{ Name, Description string }
	}
	if err := readJSON(file, &doc); err != nil {
		return nil, err
	}
	p := &published{kinds: map[string][]string{}, parameters: map[[2]string]string{}, v3: filepath.Join(dir, "v3")}
	for name, d := range doc.Definitions {
		for _, gvk := range d.GVKs {
			p.kinds[name] = append(p.kinds[name], gvk.Group+"/"+gvk.Version+"/"+gvk.Kind)
		}
	}
	for shared, parameter := range doc.Parameters {
		p.parameters[[2]string{parameter.Name, parameter.Description}] = shared
	}
	return p, nil
}
