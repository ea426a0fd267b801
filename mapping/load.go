package mapping

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/urbanhub/crmsync/sync"
)

// maxSource is the largest map that is read, in bytes.
const maxSource = 1 << 20

// Load reads a spec from YAML and makes sure that it compiles. The name of
// the source is used in errors, which join everything found wrong, each with
// its line and column. Keys that are unknown or written twice are refused, as
// are anchors and aliases.
func Load(name string, source []byte) (*Spec, error) {
	spec := &Spec{}
	f, err := parse(name, source, specSetter(spec))
	if err != nil {
		return nil, err
	}
	if _, problems := spec.compile(); len(problems) > 0 {
		return nil, f.fail(problems)
	}
	return spec, nil
}

// parse reads YAML through a setter.
func parse(name string, source []byte, root setter) (*yamlFile, error) {
	f := &yamlFile{name: name, lines: strings.Split(string(source), "\n")}
	if len(source) > maxSource {
		return f, f.fail([]problem{{rule: "yaml.size", hint: "keep a map below 1 MiB"}})
	}
	var doc yaml.Node
	if err := yaml.Load(source, &doc); err != nil {
		return f, f.fail([]problem{syntax(err)})
	}
	r := reader{nodes: map[string]*yaml.Node{}}
	r.document(&doc, root)
	f.nodes = r.nodes
	if len(r.problems) > 0 {
		return f, f.fail(r.problems)
	}
	return f, nil
}

// syntax makes a problem of what the YAML parser says.
func syntax(err error) problem {
	p := problem{rule: "yaml.syntax", hint: "mend the YAML: " + err.Error(), node: &yaml.Node{Line: 1, Column: 1}}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		p.hint = "mend the YAML: " + at.Message
		p.node.Line, p.node.Column = max(1, at.Mark.Line), max(1, at.Mark.Column)
	}
	return p
}

// A yamlFile finds the places in a file that problems are about.
type yamlFile struct {
	name  string
	lines []string
	nodes map[string]*yaml.Node
}

func (f *yamlFile) fail(problems []problem) error { return fail("mapping", problems, f.locate) }

func (f *yamlFile) locate(p *problem, at *Position) {
	node := p.node
	if node == nil {
		node = f.node(p.path)
	}
	at.File, at.Line, at.Column = f.name, node.Line, node.Column
	if p.line > 0 {
		f.inside(node, p, at)
		if node.LineComment != "" {
			p.hint += "; quote the expression if its # is not meant to begin a comment"
		}
	}
	at.Line = min(max(1, at.Line), len(f.lines))
	at.Excerpt = excerpt(f.lines[at.Line-1], at.Column)
}

// node returns the node at a path, or the nearest one around it.
func (f *yamlFile) node(path string) *yaml.Node {
	for {
		if n := f.nodes[path]; n != nil {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return &yaml.Node{Line: 1, Column: 1}
		}
		path = path[:i]
	}
}

// inside moves the position to a line and column within a scalar, where the
// scalar's style lets one tell where its text stands.
func (f *yamlFile) inside(node *yaml.Node, p *problem, at *Position) {
	switch {
	case node.Style&yaml.LiteralStyle != 0 && node.Line+p.line <= len(f.lines):
		at.Line = node.Line + p.line
		first := f.lines[node.Line]
		at.Column = 1 + len(first) - len(strings.TrimLeft(first, " ")) + p.column
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || p.line > 1:
	case node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		at.Column += 1 + p.column
	default:
		at.Column += p.column
	}
}

// excerpt shows a line, or what of it is near the column, and a caret.
func excerpt(line string, column int) string {
	const width = 100
	runes := []rune(strings.TrimRight(strings.ToValidUTF8(line, "?"), "\r"))
	for i, r := range runes {
		if r < ' ' {
			runes[i] = ' '
		}
	}
	column = min(max(1, column), len(runes)+1)
	start := 0
	if column > width {
		start = column - width/2
	}
	end := min(len(runes), start+width)
	return fmt.Sprintf("    %s\n    %s^", string(runes[start:end]), strings.Repeat(" ", column-1-start))
}

// specSetter tells where each key of a map belongs in the spec.
func specSetter(s *Spec) setter {
	return object(keys{
		"name":       word(&s.Name),
		"left":       endSetter(&s.Left),
		"right":      endSetter(&s.Right),
		"fields":     list(&s.Fields, fieldSetter),
		"identity":   list(&s.Identity, word[string]),
		"first_sync": policySetter(&s.FirstSync),
	})
}

func endSetter(e *End) setter {
	return object(keys{
		"system":     word(&e.System),
		"kind":       word(&e.Kind),
		"create_key": word(&e.CreateKey),
		"leave": list(&e.Leave, func(w *When) setter {
			return object(keys{"when": word(&w.Expr), "why": word(&w.Why)})
		}),
		"relate": list(&e.Relate, relateSetter),
	})
}

var directions = map[string]sync.Direction{"both": sync.Both, "to-right": sync.ToRight, "to-left": sync.ToLeft}

var sides = map[string]sync.Side{"left": sync.Left, "right": sync.Right}

func fieldSetter(f *Field) setter {
	return object(keys{
		"name":       word(&f.Name),
		"type":       word(&f.Type),
		"left":       placeSetter(&f.Left),
		"right":      placeSetter(&f.Right),
		"direction":  choice(&f.Direction, directions),
		"required":   flag(&f.Required),
		"rule":       word(&f.Rule),
		"clean":      list(&f.Clean, word[Cleaner]),
		"region":     word(&f.Region),
		"options":    list(&f.Options, optionSetter),
		"default":    optionSetter(&f.Default),
		"policy":     policySetter(&f.Policy),
		"group":      word(&f.Group),
		"keep_blank": flag(&f.KeepBlank),
	})
}

func optionSetter(o *Option) setter {
	return object(keys{"left": word(&o.Left), "right": word(&o.Right)})
}

func policySetter(p *sync.Policy) setter {
	return object(keys{
		"kind":  word(&p.Kind),
		"owner": choice(&p.Owner, sides),
		"order": list(&p.Order, word[string]),
	})
}

// placeSetter accepts a raw name, a list of them, or an object with a form.
func placeSetter(p *Place) setter {
	names := func(r *reader, path string, n *yaml.Node) {
		if n.Kind == yaml.SequenceNode {
			list(&p.Names, word[string])(r, path, n)
			return
		}
		p.Names = make([]string, 1)
		word(&p.Names[0])(r, path, n)
	}
	full := object(keys{"name": names, "form": word(&p.Form), "template": word(&p.Template), "with": table(&p.With)})
	return func(r *reader, path string, n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			full(r, path, n)
			return
		}
		names(r, path, n)
	}
}
