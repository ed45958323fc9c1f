package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func compiled(t *testing.T, part string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json" + part)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, text string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

func TestOutputFitsSchema(t *testing.T) {
	document, line := compiled(t, ""), compiled(t, "#/$defs/line")
	for _, name := range saved {
		if err := validate(document, render(t, name, "json", Options{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range strings.Split(strings.TrimSpace(render(t, name, "ndjson", Options{})), "\n") {
			if err := validate(line, text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	document := compiled(t, "")
	good := render(t, "mixed", "json", Options{})
	for _, change := range [][2]string{
		{`"outcome":"rejected"`, `"outcome":"refused"`},
		{`"fault":"intermediary"`, `"fault":"proxy"`},
		{`"schema":"wsleuth.report/v1"`, `"schema":"wsleuth.report/v2"`},
		{`"started":"2026-11-20T10:00:00Z"`, `"started":"2026-11-20T11:00:00+01:00"`},
		{`"client":"10.77.9.2:51234"`, `"client":"10.77.9.2"`},
		{`"headers":[["Host",`, `"headers":[[`},
		{`"phase":"upgrade",`, ``},
		{`"evidence":[{`, `"evidence":[],"other":[{`},
		{`"by":"client"`, `"by":"proxy"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("%s is not in the document", change[0])
		} else if validate(document, bad) == nil {
			t.Errorf("%s instead of %s is not refused", change[1], change[0])
		}
	}
}

// Every key that the record's types print is described, so that a new field
// does not stay out of the schema.
func TestSchemaDescribesAllKeys(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(JSONSchema(), &root); err != nil {
		t.Fatal(err)
	}
	describes(t, root, root, reflect.TypeFor[record.Report](), "report")
}

func describes(t *testing.T, root, schema map[string]any, kind reflect.Type, path string) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch kind.Kind() {
	case reflect.Pointer:
		describes(t, root, schema, kind.Elem(), path)
	case reflect.Slice:
		if items, ok := schema["items"].(map[string]any); ok {
			describes(t, root, items, kind.Elem(), path+"[]")
		}
	case reflect.Map:
		describes(t, root, schema["additionalProperties"].(map[string]any), kind.Elem(), path+"{}")
	case reflect.Struct:
		if kind.Implements(reflect.TypeFor[json.Marshaler]()) || kind.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return // it writes itself
		}
		properties, _ := schema["properties"].(map[string]any)
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			property, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("the schema does not describe %s.%s", path, name)
				continue
			}
			describes(t, root, property, kind.Field(i).Type, path+"."+name)
		}
	}
}
