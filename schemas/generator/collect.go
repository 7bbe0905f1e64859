package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/util"
)

const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1."

// special are the types with a JSON form of their own; the descriptor names them instead of looking into them.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "Time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "MicroTime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "Duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "FieldsV1",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "Quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "IntOrString",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "RawExtension",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "JSON",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "JSONSchemaPropsOrBool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "JSONSchemaPropsOrArray",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "JSONSchemaPropsOrStringArray",
}

type field struct {
	Name          string   `json:"name,omitempty"`
	Go            string   `json:"go,omitempty"`
	Type          string   `json:"type"`
	Inline        bool     `json:"inline,omitempty"`
	Omitempty     bool     `json:"omitempty,omitempty"`
	Omitzero      bool     `json:"omitzero,omitempty"`
	Protobuf      int      `json:"pb,omitempty"`
	Required      bool     `json:"required,omitempty"`
	Format        string   `json:"format,omitempty"`
	Default       any      `json:"default,omitempty"`
	NoDefault     bool     `json:"noDefault,omitempty"`
	Enum          []any    `json:"enum,omitempty"`
	ItemEnum      []any    `json:"itemEnum,omitempty"`
	ListType      string   `json:"listType,omitempty"`
	ListMapKeys   []string `json:"listMapKeys,omitempty"`
	MapType       string   `json:"mapType,omitempty"`
	PatchStrategy string   `json:"patchStrategy,omitempty"`
	PatchMergeKey string   `json:"patchMergeKey,omitempty"`
	Undescribed   bool     `json:"undescribed,omitempty"`
	Parameter     string   `json:"parameter,omitempty"`
}

type typeFacts struct {
	Go      string   `json:"go,omitempty"`
	GVKs    []string `json:"gvks,omitempty"`
	Scalar  string   `json:"scalar,omitempty"`
	MapType string   `json:"mapType,omitempty"`
	Unions  any      `json:"unions,omitempty"`
	fields  []field
}

type collector struct {
	definitions map[string]*definition
	published   *published
	types       map[string]*typeFacts
}

// modelName is the name that the type has in OpenAPI documents.
func modelName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(interface{ OpenAPIModelName() string }); ok {
		return named.OpenAPIModelName()
	}
	return util.ToRESTFriendlyName(t.PkgPath() + "." + t.Name())
}

func (c *collector) addKind(name string, gvk schema.GroupVersionKind) {
	text := gvk.Group + "/" + gvk.Version + "/" + gvk.Kind
	facts := c.types[name]
	if !slices.Contains(facts.GVKs, text) {
		facts.GVKs = append(facts.GVKs, text)
	}
}

// add records a struct type and everything that it reaches, and answers its name.
func (c *collector) add(t reflect.Type) (string, error) {
	name := modelName(t)
	if c.types[name] != nil {
		return name, nil
	}
	facts := &typeFacts{GVKs: c.published.kinds[name], Scalar: special[t.PkgPath()+"."+t.Name()]}
	parts := strings.Split(name, ".")
	if derived := strings.Join(parts[len(parts)-2:], "."); derived != t.String() {
		facts.Go = t.String()
	}
	c.types[name] = facts
	if facts.Scalar == "" && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) {
		return "", fmt.Errorf("%s marshals itself and is not a known special type", t)
	}
	def := c.definitions[t.PkgPath()+"."+t.Name()]
	if def == nil {
		def = &definition{}
	}
	def.publishedDefault = func(property string) any { return c.published.schemaDefault(name, property) }
	facts.MapType = text(def.extensions["x-kubernetes-map-type"])
	facts.Unions = def.extensions["x-kubernetes-unions"]
	if facts.Scalar != "" && !strings.HasPrefix(facts.Scalar, "JSONSchemaPropsOr") {
		return name, nil
	}
	for i := range t.NumField() {
		f, err := c.field(t.Field(i), def)
		if err != nil {
			return "", fmt.Errorf("%s.%s: %w", t, t.Field(i).Name, err)
		}
		if f != nil && facts.Scalar == "" {
			f.Parameter = c.published.parameters[[2]string{f.Name, documentation(t)[f.Name]}]
			facts.fields = append(facts.fields, *f)
		}
	}
	return name, nil
}

func (c *collector) field(sf reflect.StructField, def *definition) (*field, error) {
	tag := strings.Split(sf.Tag.Get("json"), ",")
	if !sf.IsExported() || tag[0] == "-" {
		return nil, nil
	}
	f := &field{Name: tag[0], Omitempty: slices.Contains(tag[1:], "omitempty"), Omitzero: slices.Contains(tag[1:], "omitzero")}
	f.Inline = sf.Anonymous && f.Name == ""
	if f.Name == "" && !f.Inline {
		f.Name = sf.Name
	}
	if !f.Inline && strings.ToUpper(f.Name[:1])+f.Name[1:] != sf.Name {
		f.Go = sf.Name
	}
	desc, err := c.descriptor(sf.Type)
	if err != nil {
		return nil, err
	}
	f.Type = desc
	if err := f.setProtobuf(sf); err != nil {
		return nil, err
	}
	f.PatchStrategy, f.PatchMergeKey = sf.Tag.Get("patchStrategy"), sf.Tag.Get("patchMergeKey")
	if !f.Inline {
		return f, f.setOpenAPI(sf.Type, def)
	}
	return f, nil
}

// documentation has the descriptions of a type's fields; we only look up by them.
func documentation(t reflect.Type) map[string]string {
	if documented, ok := reflect.New(t).Interface().(interface{ SwaggerDoc() map[string]string }); ok {
		return documented.SwaggerDoc()
	}
	return nil
}

// setProtobuf keeps the field number. The wire type follows from the descriptor, as it does when the messages are generated
// from the Go types; the one in the tag is often wrong and used by nobody.
func (f *field) setProtobuf(sf reflect.StructField) error {
	parts := strings.Split(sf.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return nil
	}
	if slices.Contains(parts, "packed") {
		return fmt.Errorf("packed protobuf fields are not described")
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return err
	}
	f.Protobuf = number
	return nil
}

// descriptor spells a Go type: scalars by name, named ones with their Go name in <>, structs by model name.
func (c *collector) descriptor(t reflect.Type) (string, error) {
	if t.Kind() == reflect.Pointer {
		inner, err := c.descriptor(t.Elem())
		return "*" + inner, err
	}
	if t.Kind() == reflect.Struct {
		name, err := c.add(t)
		if scalar := special[t.PkgPath()+"."+t.Name()]; scalar != "" {
			return scalar, err
		}
		return name, err
	}
	plain, err := c.unnamed(t)
	if err != nil || t.PkgPath() == "" {
		return plain, err
	}
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		plain = "(" + plain + ")"
	}
	return plain + "<" + t.String() + ">", nil
}

func (c *collector) unnamed(t reflect.Type) (string, error) {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return t.Kind().String(), nil
	case reflect.Interface:
		return "any", nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes", nil
		}
		inner, err := c.descriptor(t.Elem())
		return "[]" + inner, err
	case reflect.Map:
		key, err := c.descriptor(t.Key())
		if err != nil {
			return "", err
		}
		inner, err := c.descriptor(t.Elem())
		return "map[" + key + "]" + inner, err
	}
	return "", fmt.Errorf("no descriptor for %s", t)
}

// byFile groups the types by the file that they go to.
func (c *collector) byFile() map[string]map[string]*typeFacts {
	files := map[string]map[string]*typeFacts{}
	for name, facts := range c.types {
		parts := strings.Split(name, ".")
		file := strings.Join(parts[len(parts)-3:len(parts)-1], "_")
		if strings.HasPrefix(name, "io.k8s.apimachinery.") {
			file = "meta_v1"
		}
		if files[file] == nil {
			files[file] = map[string]*typeFacts{}
		}
		files[file][name] = facts
	}
	return files
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
