package mapping

import (
	"errors"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/urbanhub/crmsync/sync"
)

// maxNodes bounds an expression; a page of filters has far fewer.
const maxNodes = 1000

// An env is what an expression sees.
type env struct {
	Record  map[string]string `expr:"record"`
	Changed []string          `expr:"changed"`
}

// dialect is expr without anything that is not a pure function of the record:
// no clock, no randomness, nothing that grows.
var dialect = pure(env{})

func pure(env any) []expr.Option {
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for _, name := range []string{"any", "all", "none", "one", "len", "lower", "upper", "trim"} {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}

// A factEnv is what an expression about a fact sees.
type factEnv struct {
	Type string            `expr:"type"`
	Data map[string]string `expr:"data"`
}

var factDialect = pure(factEnv{})

// newFactGuard compiles a condition over facts. One that fails holds: better
// an activity too many than a fact that nobody hears of.
func newFactGuard(when string) (func(sync.Fact) bool, *problem) {
	program, err := expr.Compile(when, factDialect...)
	if err != nil {
		return nil, badExpr(err, "type and data")
	}
	return func(f sync.Fact) bool {
		out, err := expr.Run(program, factEnv{f.Type, newOccurrence(f).Data})
		holds, ok := out.(bool)
		return err != nil || !ok || holds
	}, nil
}

// A guard is a compiled condition.
type guard struct {
	program *vm.Program
	reads   []string // raw names taken from the record
	names   []string // those, and the ones looked for among the changed
	why     string
}

func newGuard(w When) (guard, *problem) {
	program, err := expr.Compile(w.Expr, dialect...)
	if err != nil {
		return guard{}, badExpr(err, "record and changed")
	}
	tree, err := parser.Parse(w.Expr) // anew: the compiler rewrites its own
	if err != nil {
		return guard{}, badExpr(err, "record and changed")
	}
	s := survey{}
	ast.Walk(&tree.Node, &s)
	if hint := s.verdict(); hint != "" {
		return guard{}, &problem{rule: "condition.literal", hint: hint}
	}
	g := guard{program: program, reads: s.reads, names: append(s.reads[:len(s.reads):len(s.reads)], s.changed...), why: w.Why}
	if g.why == "" {
		g.why = w.Expr
	}
	return g, nil
}

// badExpr takes the position out of expr's error.
func badExpr(err error, known string) *problem {
	p := &problem{rule: "condition.compiles", hint: err.Error()}
	var at *file.Error
	if errors.As(err, &at) {
		p.hint, p.line, p.column = at.Message, max(1, at.Line), at.Column
	}
	p.hint += "; an expression is true or false and knows only " + known
	return p
}

// A survey collects the raw names that an expression mentions. They must be
// literal, so that it is known beforehand what has to be read.
type survey struct {
	reads, changed []string
	uses, literal  int // of record
	bad            string
}

func (s *survey) verdict() string {
	if s.bad == "" && s.uses > s.literal {
		return `name the raw field literally: record.phone or record["attributes.city"]`
	}
	return s.bad
}

// Visit implements [ast.Visitor].
func (s *survey) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "record" {
			s.uses++
		}
		if n.Value == "$env" {
			s.bad = "write record and changed without $env"
		}
	case *ast.MemberNode:
		s.member(n)
	case *ast.BinaryNode:
		s.binary(n)
	}
}

func (s *survey) member(n *ast.MemberNode) {
	if id, ok := n.Node.(*ast.IdentifierNode); !ok || id.Value != "record" {
		return
	}
	if name, ok := n.Property.(*ast.StringNode); ok {
		s.literal++
		s.reads = add(s.reads, name.Value)
	}
}

// binary finds `# in ["a", "b"]`, `# == "a"` and `"a" in changed`.
func (s *survey) binary(n *ast.BinaryNode) {
	if n.Operator == ".." {
		s.bad = "write the values out instead of a range"
	}
	for _, pair := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		if !isChanged(pair[0]) {
			continue
		}
		for _, name := range literals(pair[1]) {
			s.changed = add(s.changed, name)
		}
	}
}

func isChanged(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.PointerNode:
		return true
	case *ast.IdentifierNode:
		return n.Value == "changed"
	}
	return false
}

func literals(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.StringNode:
		return []string{n.Value}
	case *ast.ArrayNode:
		var out []string
		for _, item := range n.Nodes {
			out = append(out, literals(item)...)
		}
		return out
	}
	return nil
}

func add(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// all joins guards into the condition of an endpoint; nil lets all pass.
func all(guards []guard) sync.Condition {
	if len(guards) == 0 {
		return nil
	}
	return func(rec sync.Record, changed []string) (bool, string, error) {
		for i := range guards {
			if ok, err := guards[i].holds(rec, changed); err != nil || !ok {
				return false, guards[i].why, err
			}
		}
		return true, "", nil
	}
}

func (g *guard) holds(rec sync.Record, changed []string) (bool, error) {
	e := env{Record: make(map[string]string, len(g.reads)), Changed: changed}
	for _, n := range g.reads {
		e.Record[n] = rec.Fields[n].String()
	}
	out, err := expr.Run(g.program, e)
	if err != nil {
		// expr's own text may quote the record.
		return false, &sync.Error{Op: "mapping: condition", Action: sync.Invalid, Ref: rec.Ref, Rule: "condition.runs",
			Hint: "mend the condition: " + g.why, Err: errors.New("the expression failed")}
	}
	ok, _ := out.(bool)
	return ok, nil
}
