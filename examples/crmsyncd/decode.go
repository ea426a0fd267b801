package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// A decoder fills a config from a file and the environment. It reads the
// document itself, because the library's errors quote values.
type decoder struct {
	name  string            // of the file
	at    map[string]string // where each path was written
	found problems
}

func newDecoder(name string) *decoder { return &decoder{name: name, at: map[string]string{}} }

func (d *decoder) problem(path, hint string) {
	d.found = append(d.found, problem{Key: path, At: d.at[path], Hint: hint})
}

var lineOf = regexp.MustCompile(`line (\d+)`)

// file decodes a document, and reports whether it can be read at all.
func (d *decoder) file(source []byte, into any) bool {
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		at := d.name
		if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
			at += ":" + m[1]
		}
		d.found = append(d.found, problem{Key: "file", At: at, Hint: "this is not YAML; look at the indentation, quotes and colons"})
		return false
	}
	if len(doc.Content) > 0 {
		d.node("", doc.Content[0], reflect.ValueOf(into).Elem())
	}
	return true
}

func (d *decoder) node(path string, n *yaml.Node, v reflect.Value) {
	d.at[path] = fmt.Sprintf("%s:%d", d.name, n.Line)
	switch {
	case n.Kind == yaml.AliasNode:
		d.problem(path, "write the value out; aliases are not used here")
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		// As if it was left out.
	case v.Type() == reflect.TypeFor[secret]():
		d.problem(path, fmt.Sprintf("a secret does not belong in the file: give it by %s, or its file by %[1]s_FILE", variable(path)))
	case v.Kind() == reflect.Struct:
		d.object(path, n, keysOf(v))
	case v.Kind() == reflect.Map:
		d.table(path, n, v)
	case v.Kind() == reflect.Slice:
		d.list(path, n, v)
	case n.Kind != yaml.ScalarNode:
		d.problem(path, "write a single value")
	default:
		d.scalar(path, n.Value, v)
	}
}

// object decodes a mapping with known keys.
func (d *decoder) object(path string, n *yaml.Node, keys map[string]reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.problem(path, "write an object with some of: "+names(keys))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := join(path, key.Value)
		d.at[at] = fmt.Sprintf("%s:%d", d.name, key.Line)
		v, known := keys[key.Value]
		switch {
		case !known:
			d.problem(at, "there is no such key; use some of: "+names(keys))
		case seen[key.Value]:
			d.problem(at, "the key is written twice; delete one")
		default:
			d.node(at, n.Content[i+1], v)
		}
		seen[key.Value] = true
	}
}

// table decodes a mapping with keys of the customer's own.
func (d *decoder) table(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.problem(path, "write an object")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		item := reflect.New(v.Type().Elem()).Elem()
		d.node(join(path, n.Content[i].Value), n.Content[i+1], item)
		v.SetMapIndex(reflect.ValueOf(n.Content[i].Value), item)
	}
}

func (d *decoder) list(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.problem(path, "write a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.node(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

// scalar sets a single value from its text.
func (d *decoder) scalar(path, text string, v reflect.Value) {
	var err error
	var hint string
	switch x := v.Addr().Interface().(type) {
	case *string:
		*x = text
	case *bool:
		*x, err = strconv.ParseBool(text)
		hint = "write true or false"
	case *int:
		*x, err = strconv.Atoi(text)
		hint = "write a whole number"
	case *float64:
		*x, err = strconv.ParseFloat(text, 64)
		hint = "write a number"
	case *time.Duration:
		*x, err = time.ParseDuration(text)
		hint = "write a duration such as 30s, 5m or 24h"
	}
	if err != nil {
		d.problem(path, hint)
	}
}

// environment lets variables take the place of what the file says.
func (d *decoder) environment(environ []string, into any) {
	vars := map[string]string{}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, prefix) {
			vars[name] = value
		}
	}
	eachValue("", reflect.ValueOf(into).Elem(), func(path string, v reflect.Value) {
		if s, ok := v.Addr().Interface().(*secret); ok {
			d.secret(path, s, vars)
		} else if text := vars[variable(path)]; text != "" {
			d.variable(path, text, v)
		}
	})
}

// variable sets a value, or a list with commas, from a variable.
func (d *decoder) variable(path, text string, v reflect.Value) {
	d.at[path] = variable(path)
	if list, ok := v.Addr().Interface().(*[]string); ok {
		*list = strings.Split(text, ",")
		return
	}
	d.scalar(path, text, v)
}

// strangers are the variables that nothing reads, though they begin as ours do.
func strangers(environ []string) []string {
	known := variables()
	var out []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) && !known[name] && !strings.HasPrefix(name, prefix+"TEST_") {
			out = append(out, name)
		}
	}
	return out
}

// eachValue visits all that a variable can set.
func eachValue(path string, v reflect.Value, visit func(path string, v reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[secret]():
		visit(path, v)
	case v.Kind() == reflect.Struct:
		for key, part := range keysOf(v) {
			eachValue(join(path, key), part, visit)
		}
	case v.Kind() != reflect.Map:
		visit(path, v)
	}
}

// secret takes a secret from its variable, or from the file of the other one.
func (d *decoder) secret(path string, s *secret, vars map[string]string) {
	name := variable(path)
	text, file := vars[name], vars[name+"_FILE"]
	switch {
	case text != "" && file != "":
		d.at[path] = name
		d.problem(path, "give "+name+" or "+name+"_FILE, not both")
	case file != "":
		d.at[path] = name + "_FILE"
		source, err := os.ReadFile(file)
		if err != nil {
			d.problem(path, "the file of the secret cannot be read; name one that can, readable for this user alone")
			return
		}
		*s = secret{strings.TrimRight(string(source), "\r\n"), file}
	case text != "":
		d.at[path] = name
		*s = secret{text: text}
	}
}

// prefix begins the name of every variable.
const prefix = "CRMSYNC_"

// variable is the environment's name of a path.
func variable(path string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// keysOf returns the parts of a struct by their keys.
func keysOf(v reflect.Value) map[string]reflect.Value {
	keys := map[string]reflect.Value{}
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("key"); key != "" {
			keys[key] = v.Field(i)
		}
	}
	return keys
}

// names lists the keys that may be written in a file.
func names(keys map[string]reflect.Value) string {
	var out []string
	for key, v := range keys {
		if v.Type() != reflect.TypeFor[secret]() {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
