package docs_test

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// inner are the directories whose packages nobody outside imports.
var inner = []string{"internal", "examples", "docs"}

// A pkg is what the sources say of a public package.
type pkg struct {
	code     bool // beside its comment
	comment  string
	examples int
	checked  int // examples whose output is
}

// public reads the packages that others import.
func public(t *testing.T) map[string]*pkg {
	t.Helper()
	all := map[string]*pkg{}
	for _, file := range files(t, ".go") {
		dir := path.Dir(file)
		if slices.Contains(strings.Split(dir, "/"), "contract") || slices.ContainsFunc(inner, func(i string) bool { return dir == i || strings.HasPrefix(dir, i+"/") }) {
			continue
		}
		f := goFile(t, file)
		p := all[dir]
		if p == nil {
			p = &pkg{}
			all[dir] = p
		}
		if strings.HasSuffix(file, "_test.go") {
			n, checked := examples(f)
			p.examples, p.checked = p.examples+n, p.checked+checked
			continue
		}
		p.code = p.code || slices.ContainsFunc(f.Decls, isCode)
		if f.Doc != nil {
			p.comment += f.Doc.Text()
		}
	}
	return all
}

// isCode reports whether a declaration is more than an import.
func isCode(d ast.Decl) bool {
	g, ok := d.(*ast.GenDecl)
	return !ok || g.Tok != token.IMPORT
}

// examples counts a file's examples, and those whose output is checked.
func examples(f *ast.File) (n, checked int) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Example") {
			continue
		}
		n++
		for _, c := range f.Comments {
			if c.Pos() > fn.Pos() && c.End() <= fn.End() && (strings.HasPrefix(c.Text(), "Output:") || strings.HasPrefix(c.Text(), "Unordered output:")) {
				checked++
			}
		}
	}
	return n, checked
}

// compiled are the packages whose examples are compiled and not run.
var compiled = map[string]string{
	"store/pgstore":    "needs a server",
	"store/redisstore": "needs a server",
	"queue/pgqueue":    "needs a server",
	"queue/redisqueue": "needs a server",
	"store/storetest":  "is called by a test",
	"queue/queuetest":  "is called by a test",
}

// TestPublicPackages wants a comment of each public package, an example of each
// with code, which runs where it can, and each on the map in doc.go.
func TestPublicPackages(t *testing.T) {
	all := public(t)
	if len(all) < 15 {
		t.Fatalf("only %d public packages were found", len(all))
	}
	overview := read(t, "doc.go")
	for dir, p := range all {
		if !strings.HasPrefix(p.comment, "Package ") {
			t.Errorf("package %s has no comment", dir)
		}
		if p.code && p.examples == 0 {
			t.Errorf("package %s has no example", dir)
		}
		if p.code && p.checked == 0 && compiled[dir] == "" {
			t.Errorf("no example of package %s has an output", dir)
		}
		if dir != "." && !strings.Contains(overview, path.Base(dir)) {
			t.Errorf("doc.go does not name package %s", dir)
		}
	}
}
