package docs_test

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

// An api holds the exported names of packages and the members of types.
type api struct {
	packages, types map[string]map[string]bool
}

// exported reads the module's packages. Types of one name share their members.
func exported(t *testing.T) api {
	t.Helper()
	a := api{map[string]map[string]bool{}, map[string]map[string]bool{}}
	for _, file := range files(t, ".go") {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "examples/") {
			continue
		}
		f := goFile(t, file)
		for _, d := range f.Decls {
			a.declare(f.Name.Name, d)
		}
	}
	return a
}

func (a api) declare(pkg string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			note(a.packages, pkg, d.Name.Name)
			return
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		note(a.types, last(of), d.Name.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					note(a.packages, pkg, n.Name)
				}
			case *ast.TypeSpec:
				note(a.packages, pkg, s.Name.Name)
				note(a.types, s.Name.Name, "")
				a.members(s)
			}
		}
	}
}

func (a api) members(s *ast.TypeSpec) {
	var list *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			note(a.types, s.Name.Name, n.Name)
		}
		if len(f.Names) == 0 { // embedded
			note(a.types, s.Name.Name, last(f.Type))
		}
	}
}

func note(in map[string]map[string]bool, of, name string) {
	if in[of] == nil {
		in[of] = map[string]bool{}
	}
	in[of][name] = true
}

var nameForm = regexp.MustCompile(`^([A-Za-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?$`)

// TestNames wants every Go name that a page writes as code to exist.
func TestNames(t *testing.T) {
	a, looked := exported(t), 0
	for file, p := range pages(t) {
		if file != "README.md" && path.Dir(file) != "docs" && path.Dir(file) != "docs/training" {
			continue
		}
		for _, s := range p.spans {
			m := nameForm.FindStringSubmatch(s.text)
			if m == nil || strings.HasPrefix(m[2], "Test") || strings.HasPrefix(m[2], "Fuzz") { // security_test.go looks for those
				continue
			}
			looked++
			switch names, known := a.packages[m[1]]; {
			case known && (!names[m[2]] || m[3] != "" && !a.types[m[2]][m[3]]):
				t.Errorf("%s:%d: package %s has no %s %s", file, s.line, m[1], m[2], m[3])
			case !known && a.types[m[1]] != nil && !a.types[m[1]][m[2]]:
				t.Errorf("%s:%d: the type %s has no %s", file, s.line, m[1], m[2])
			}
		}
	}
	if looked < 100 {
		t.Errorf("only %d names were looked up", looked)
	}
}

var daemonCommand = regexp.MustCompile("`crmsyncd ([a-z]+)")

// TestDaemonCommands wants every command of the daemon that a page names.
func TestDaemonCommands(t *testing.T) {
	var commands strings.Builder
	for _, file := range files(t, ".go") {
		if path.Dir(file) == "examples/crmsyncd" {
			commands.WriteString(read(t, file))
		}
	}
	for file := range pages(t) {
		for _, m := range daemonCommand.FindAllStringSubmatch(read(t, file), -1) {
			field := strings.ToUpper(m[1][:1]) + m[1][1:]
			if !regexp.MustCompile(`(?m)^\s+(?i:` + field + `)\s+\S+\s+` + "`" + `cmd:`).MatchString(commands.String()) {
				t.Errorf("%s: crmsyncd has no command %s", file, m[1])
			}
		}
	}
}
