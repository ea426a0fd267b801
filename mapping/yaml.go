package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A reader walks a YAML document, fills a spec through setters, and remembers
// which node each path of the spec came from.
type reader struct {
	nodes    map[string]*yaml.Node
	problems []problem
}

// A setter takes a node into a part of the spec.
type setter func(r *reader, path string, n *yaml.Node)

// keys names the parts of an object.
type keys map[string]setter

func (r *reader) problem(path string, n *yaml.Node, rule, hint string) {
	r.problems = append(r.problems, problem{path: path, rule: rule, hint: hint, node: n})
}

func (r *reader) document(doc *yaml.Node, root setter) {
	n := doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		n = doc.Content[0]
	}
	r.visit("", n, root)
}

// visit notes the node and hands it to the setter.
func (r *reader) visit(path string, n *yaml.Node, set setter) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.problem(path, n, "yaml.alias", "write the value out; anchors and aliases are not used here")
		return
	}
	r.nodes[path] = n
	set(r, path, n)
}

// object reads a mapping with known keys, each at most once.
func object(k keys) setter {
	return func(r *reader, path string, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			r.problem(path, n, "yaml.object", "write an object with some of: "+k.names())
			return
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := strings.TrimPrefix(path+"."+key.Value, ".")
			switch set := k[key.Value]; {
			case key.Kind != yaml.ScalarNode || set == nil:
				r.problem(at, key, "yaml.key", "use some of: "+k.names())
			case seen[key.Value]:
				r.problem(at, key, "yaml.duplicate", "the key is written twice; delete one")
			default:
				seen[key.Value] = true
				r.visit(at, value, set)
			}
		}
	}
}

func (k keys) names() string {
	return strings.Join(slices.Sorted(maps.Keys(k)), ", ")
}

// list reads a sequence.
func list[T any](out *[]T, item func(*T) setter) setter {
	return func(r *reader, path string, n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.problem(path, n, "yaml.list", "write a list")
			return
		}
		if len(n.Content) == 0 {
			return
		}
		*out = make([]T, len(n.Content))
		for i, c := range n.Content {
			r.visit(fmt.Sprintf("%s[%d]", path, i), c, item(&(*out)[i]))
		}
	}
}

// word reads a scalar as the text it is written as: 0123 stays 0123.
func word[T ~string](out *T) setter {
	return func(r *reader, path string, n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
			r.problem(path, n, "yaml.text", "write a text")
			return
		}
		*out = T(n.Value)
	}
}

// flag reads true or false.
func flag(out *bool) setter {
	return choice(out, map[string]bool{"true": true, "false": false})
}

// choice reads one of some words.
func choice[T any](out *T, words map[string]T) setter {
	return func(r *reader, path string, n *yaml.Node) {
		v, ok := words[n.Value]
		if n.Kind != yaml.ScalarNode || !ok {
			r.problem(path, n, "yaml.choice", "use one of: "+strings.Join(slices.Sorted(maps.Keys(words)), ", "))
			return
		}
		*out = v
	}
}

// table reads a mapping of texts.
func table(out *map[string]string) setter {
	return func(r *reader, path string, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			r.problem(path, n, "yaml.object", "write an object of texts")
			return
		}
		texts := make(map[string]string, len(n.Content)/2)
		k := keys{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			k[name] = func(r *reader, path string, n *yaml.Node) {
				var text string
				word(&text)(r, path, n)
				texts[name] = text
			}
		}
		object(k)(r, path, n)
		*out = texts
	}
}

// count reads a whole number that is not negative.
func count(out *int) setter {
	return func(r *reader, path string, n *yaml.Node) {
		v, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || v < 0 {
			r.problem(path, n, "yaml.number", "write a whole number")
			return
		}
		*out = v
	}
}
