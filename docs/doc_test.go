// Package docs_test keeps the documents true: links lead somewhere, code is
// code that is compiled and run elsewhere, names exist, and every alert, metric
// and error rule is written about. What is made from the sources is made anew
// by
//
//	go test ./docs -update
//
// which make generate does, too.
package docs_test

//go:generate go test -count=1 . -update

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "make the generated parts of the documents anew")

// root is the module's directory.
const root = ".."

// foreign are directories whose files are not ours.
var foreign = map[string]bool{".git": true, "node_modules": true, "testdata": true}

// files returns the paths, from the root, of the module's files with an
// extension, those of nested modules included.
func files(t *testing.T, extension string) []string {
	t.Helper()
	if paths := listed[extension]; paths != nil {
		return paths
	}
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && foreign[d.Name()]:
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, extension):
			rel, err := filepath.Rel(root, path)
			paths = append(paths, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %d files %s: %v", len(paths), extension, err)
	}
	listed[extension] = paths
	return paths
}

// listed are the files that were listed before, by their extension.
var listed = map[string][]string{}

// read returns a file of the module.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parsed are the Go files that were parsed before, by path.
var parsed = map[string]*ast.File{}

// goFile parses a Go file of the module, once for all tests.
func goFile(t *testing.T, path string) *ast.File {
	t.Helper()
	if parsed[path] == nil {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(path)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed[path] = f
	}
	return parsed[path]
}

// generated compares the part of a document between its marks with what it
// has to be, or writes it with -update.
func generated(t *testing.T, path, name, want string) {
	t.Helper()
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end: "+name+" -->"
	text := read(t, path)
	before, rest, ok := strings.Cut(text, begin)
	got, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no part between %q and %q", path, begin, end)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("the part %q of %s is not what the sources say; run go test ./docs -update", name, path)
	}
	if err := os.WriteFile(filepath.Join(root, path), []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
