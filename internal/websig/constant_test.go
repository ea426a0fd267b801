package websig_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// proof are the names of what proves a sender, as the receivers call it.
var proof = regexp.MustCompile(`(?i)(^got|^want|mac|signature|secret|bearer|sum|digest|hash)`)

// Whoever receives compares what proves a sender with EqualAny or hmac.Equal:
// == stops at the first difference, and the time that takes tells where it is.
// Comparisons with nothing at all are told apart by their constants.
func TestProofsAreComparedInConstantTime(t *testing.T) {
	compared := 0
	for _, file := range []string{"websig.go", "limit.go", "../../hubspot/signature.go", "../../hubspot/gate.go", "../../hubspot/receiver.go",
		"../../hubspot/action.go", "../../bird/signature.go", "../../bird/flowauth.go", "../../bird/receiver.go", "../../bird/intake.go", "../../bird/flow.go"} {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, filepath.FromSlash(file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && slices.Contains([]string{"EqualAny", "ConstantTimeCompare", "Equal"}, called(call)) {
				compared++
			}
			if what := hasty(n); what != "" {
				t.Errorf("%s: %s is not compared in constant time", set.Position(n.Pos()), what)
			}
			return true
		})
	}
	if compared < 5 {
		t.Errorf("only %d comparisons were found: does the test still read the right files?", compared)
	}
}

// hasty returns what a comparison that stops early compares, if that proves a
// sender.
func hasty(n ast.Node) string {
	var sides []ast.Expr
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			sides = []ast.Expr{n.X, n.Y}
		}
	case *ast.CallExpr:
		if name := called(n); slices.Contains([]string{"Compare", "EqualFold", "HasPrefix", "DeepEqual", "Contains"}, name) {
			sides = n.Args
		}
	}
	if len(sides) != 2 || constant(sides[0]) || constant(sides[1]) {
		return ""
	}
	for _, s := range sides {
		if name := named(s); proof.MatchString(name) {
			return name
		}
	}
	return ""
}

// constant reports whether an expression is known to everybody.
func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Size"
	}
	return false
}

// named is the last name in an expression.
func named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return named(e.X)
	case *ast.CallExpr:
		return called(e)
	}
	return ""
}

func called(c *ast.CallExpr) string { return named(c.Fun) }

func TestHasty(t *testing.T) {
	for code, want := range map[string]bool{
		"got == want": true, "mac(key) != sent": true, "h.secret == given": true, "bytes.Compare(signature, x)": true, "secrets[0] == y": true,
		`secret == ""`: false, "want == nil": false, "len(mac) == sha256.Size": false, "a == b": false, "hmac.Equal(got, want)": false,
		"strings.HasPrefix(signature, prefix)": true, `strings.HasPrefix(signature, "v1=")`: false,
	} {
		e, err := parser.ParseExpr(code)
		if err != nil {
			t.Fatal(err)
		}
		if got := hasty(e) != ""; got != want {
			t.Errorf("%s: %t, want %t", code, got, want)
		}
	}
}
