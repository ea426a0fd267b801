package docs_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// A use is a place in the sources that names a rule: of an error, or of a
// decision in the audit.
type use struct {
	rule, hint string
	pkg        string
}

// aside are packages whose errors nobody meets in production.
var aside = []string{"examples", "docs", "internal/bench", "internal/browser", "internal/chaos", "internal/servers", "internal/pgtest", "internal/redistest",
	"internal/simhttp", "hubspot/hubspottest", "bird/birdtest", "store/storetest", "queue/queuetest", "sync/simtest", "sync/syncmock"}

// uses collects the rules of the module's production code.
func uses(t *testing.T) []use {
	t.Helper()
	dirs := map[string][]string{}
	for _, file := range files(t, ".go") {
		dir := path.Dir(file)
		if strings.HasSuffix(file, "_test.go") || slices.ContainsFunc(aside, func(a string) bool { return dir == a || strings.HasPrefix(dir, a+"/") }) {
			continue
		}
		dirs[dir] = append(dirs[dir], file)
	}
	core := &reader{texts: map[string]ast.Expr{}, params: map[string][]string{}, structs: map[string][]string{}}
	for _, name := range dirs["sync"] {
		core.declare(goFile(t, name))
	}
	var found []use
	for dir, names := range dirs {
		r := &reader{pkg: dir, core: core.texts, texts: map[string]ast.Expr{}, params: map[string][]string{}, structs: map[string][]string{}}
		var all []*ast.File
		for _, name := range names {
			f := goFile(t, name)
			all = append(all, f)
			r.declare(f)
		}
		for _, f := range all {
			ast.Walk(&walk{reader: r}, f)
		}
		found = append(found, r.found...)
	}
	return found
}

// A reader reads the files of a package. It knows code by its names alone:
// whatever is given to a parameter, a field, a variable or a result called
// rule is a rule, and a hint beside it belongs to it.
type reader struct {
	pkg     string
	core    map[string]ast.Expr // those of package sync, by name
	texts   map[string]ast.Expr // constants and variables, by name
	params  map[string][]string // of functions
	structs map[string][]string // the names of fields
	found   []use
}

// declare notes what a file declares.
func (r *reader) declare(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if i < len(n.Values) {
					r.texts[name.Name] = n.Values[i]
				}
			}
		case *ast.FuncDecl:
			r.params[n.Name.Name] = names(n.Type.Params)
		case *ast.AssignStmt:
			if lit, ok := n.Rhs[0].(*ast.FuncLit); ok {
				if name, ok := n.Lhs[0].(*ast.Ident); ok {
					r.params[name.Name] = names(lit.Type.Params)
				}
			}
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok {
				r.structs[n.Name.Name] = names(s.Fields)
			}
		}
		return true
	})
}

func names(list *ast.FieldList) (out []string) {
	if list == nil {
		return nil
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			out = append(out, n.Name)
		}
		if len(f.Names) == 0 {
			out = append(out, "")
		}
	}
	return out
}

// A walk goes through the code within a function.
type walk struct {
	*reader
	results []string            // of the function
	local   map[string][]string // the parameters of its closures
	fields  []string            // of the struct whose literals have no type of their own
	hints   bool                // whether the function gives a hint somewhere
}

// Visit implements [ast.Visitor].
func (w *walk) Visit(n ast.Node) ast.Visitor {
	in := *w
	switch n := n.(type) {
	case *ast.FuncDecl:
		in.results, in.local, in.hints = names(n.Type.Results), closures(n), gives(n, "Hint", "Note")
	case *ast.FuncLit:
		in.results = names(n.Type.Results)
	case *ast.ReturnStmt:
		w.pairs(w.results, n.Results)
	case *ast.AssignStmt:
		var left []string
		for _, l := range n.Lhs {
			left = append(left, last(l))
		}
		w.pairs(left, n.Rhs)
	case *ast.ValueSpec:
		var left []string
		for _, l := range n.Names {
			left = append(left, l.Name)
		}
		w.pairs(left, n.Values)
	case *ast.CallExpr:
		name := last(n.Fun)
		if params, ok := w.local[name]; ok {
			w.pairs(params, n.Args)
		} else {
			w.pairs(w.reader.params[name], n.Args)
		}
	case *ast.CompositeLit:
		in.fields = w.literal(n)
	}
	return &in
}

// closures returns the parameters of the closures that a function declares.
func closures(f *ast.FuncDecl) map[string][]string {
	out := map[string][]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Rhs) == 1 {
			if lit, ok := a.Rhs[0].(*ast.FuncLit); ok {
				out[last(a.Lhs[0])] = names(lit.Type.Params)
			}
		}
		return true
	})
	return out
}

// gives reports whether a function sets a field of one of the names.
func gives(f *ast.FuncDecl, fields ...string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			found = found || slices.ContainsFunc(a.Lhs, func(e ast.Expr) bool { return slices.Contains(fields, last(e)) })
		}
		return true
	})
	return found
}

// literal reads a composite literal, and returns the fields of those within it
// that name no type.
func (w *walk) literal(n *ast.CompositeLit) []string {
	fields, within := w.fields, []string(nil)
	switch t := n.Type.(type) {
	case *ast.Ident:
		fields = w.structs[t.Name]
	case *ast.StructType:
		fields = names(t.Fields)
	case *ast.ArrayType:
		fields, within = nil, w.shape(t.Elt)
	case *ast.MapType:
		fields, within = nil, w.shape(t.Value)
	}
	var left []string
	var right []ast.Expr
	for i, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && !constant.MatchString(last(kv.Key)) {
			left, right = append(left, last(kv.Key)), append(right, kv.Value)
		} else if !ok && i < len(fields) {
			left, right = append(left, fields[i]), append(right, e)
		}
	}
	w.pairs(left, right)
	return within
}

// shape returns the fields of a type.
func (w *walk) shape(t ast.Expr) []string {
	switch t := t.(type) {
	case *ast.Ident:
		return w.structs[t.Name]
	case *ast.StarExpr:
		return w.shape(t.X)
	case *ast.StructType:
		return names(t.Fields)
	}
	return nil
}

// verb is what a format puts a value in the place of.
var verb = regexp.MustCompile(`%[-+#]?(\[\d\])?[.\d]*[a-z]`)

// constant is the name of a constant that is a rule.
var constant = regexp.MustCompile(`^[rR]ule[A-Z]`)

// pairs notes the rule among the values given to names.
func (w *walk) pairs(left []string, right []ast.Expr) {
	var found use
	for i := range min(len(left), len(right)) {
		switch name := left[i]; {
		case strings.EqualFold(name, "rule"), constant.MatchString(name):
			found.rule = w.text(right[i], 0)
			if strings.HasSuffix(found.rule, " ") {
				found.rule += "…"
			}
		case strings.EqualFold(name, "hint"), strings.EqualFold(name, "note"):
			found.hint = or(w.text(right[i], 0), "…")
		}
	}
	if found.rule != "" && unicode.IsLower([]rune(found.rule)[0]) { // an alert's begins with a capital
		found.pkg = w.pkg
		if found.hint == "" && w.hints {
			found.hint = "…"
		}
		w.found = append(w.found, found)
	}
}

// text returns what an expression says, with an ellipsis for what only the
// running program knows.
func (w *walk) text(e ast.Expr, depth int) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.BinaryExpr:
		if a, b := w.text(e.X, depth), w.text(e.Y, depth); a+b != "" {
			return or(a, "…") + or(b, "…")
		}
	case *ast.CallExpr:
		if last(e.Fun) == "Sprintf" {
			return verb.ReplaceAllString(w.text(e.Args[0], depth), "…")
		}
	case *ast.Ident:
		if value := w.texts[e.Name]; value != nil && depth < 3 {
			return w.text(value, depth+1)
		}
	case *ast.SelectorExpr:
		if of, ok := e.X.(*ast.Ident); ok && of.Name == "sync" && w.core[e.Sel.Name] != nil {
			return w.text(w.core[e.Sel.Name], depth+1)
		}
	}
	return ""
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// last is the last name of an expression such as a.b.
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// An entry is what the index says of a rule.
type entry struct {
	packages, hints []string
}

// entries gathers the uses of each rule.
func entries(t *testing.T) map[string]*entry {
	t.Helper()
	all := map[string]*entry{}
	for _, u := range uses(t) {
		e := all[u.rule]
		if e == nil {
			e = &entry{}
			all[u.rule] = e
		}
		e.packages = add(e.packages, u.pkg)
		if u.hint != "" {
			e.hints = add(e.hints, u.hint)
		}
	}
	return all
}

func add(list []string, item string) []string {
	if !slices.Contains(list, item) {
		list = append(list, item)
		slices.Sort(list)
	}
	return list
}

// TestRuleIndex keeps the index of rules complete, and what to do beside each.
// A rule without a hint is told about by hand above the index.
func TestRuleIndex(t *testing.T) {
	const path = "docs/troubleshooting.md"
	all := entries(t)
	if len(all) < 200 {
		t.Fatalf("only %d rules were found", len(all))
	}
	byHand, _, _ := strings.Cut(read(t, path), "<!-- generated: rules -->")
	var b strings.Builder
	b.WriteString("| Rule | Package | What to do |\n|---|---|---|\n")
	for _, rule := range slices.Sorted(maps.Keys(all)) {
		e := all[rule]
		told := slices.DeleteFunc(slices.Clone(e.hints), func(h string) bool { return h == "…" })
		do := strings.Join(told, "; or: ")
		switch {
		case do != "":
		case len(e.hints) > 0:
			do = "what the hint in the error says"
		default:
			do = "see above"
			if !strings.Contains(byHand, "`"+rule+"`") {
				t.Errorf("%s does not explain the rule %q of %v, which has no hint", path, rule, e.packages)
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimSpace(rule), strings.Join(e.packages, ", "), strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ").Replace(do))
	}
	generated(t, path, "rules", b.String())
}

func TestUses(t *testing.T) {
	all := entries(t)
	for rule, pkg := range map[string]string{
		"store.reachable":     "sync",              // a field of a literal
		"url.absolute":        "hubspot",           // an argument of a function
		"flow.complete":       "sync",              // an argument of a closure
		"redis.memory":        "internal/redisdb",  // a row of a table
		"property.exists":     "hubspot",           // a constant
		"guard.…":             "sync",              // made by the running program
		"phone.e164":          "mapping",           // a literal without the names of its fields
		"identity.ambiguous":  "sync",              // of a dead letter
		"policy.monotonic":    "sync",              // of a decision
		"firstsync.one-sided": "sync",              // an argument
		"sqlite.full":         "internal/sqlitedb", // of an error of a driver
	} {
		if e := all[rule]; e == nil || !slices.Contains(e.packages, pkg) {
			t.Errorf("the rule %s of %s was not found: %+v", rule, pkg, e)
		}
	}
}
