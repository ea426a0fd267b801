package layers

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// vendors are the words the core must not know.
var vendors = regexp.MustCompile(`(?i)hubspot|bird`)

// TestCoreNamesNoVendor reads the engine's sources word by word. Comments may
// name a vendor in an example; code and texts may not.
func TestCoreNamesNoVendor(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "sync", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, pos := range mentions(name, src) {
			t.Errorf("%s names a vendor", pos)
		}
	}
}

func TestMentions(t *testing.T) {
	src := "package a // such as a bird\n\nvar birdie = `HubSpot`\nvar other = 'b'\n"
	if got := mentions("a.go", []byte(src)); len(got) != 2 || got[0].Line != 3 || got[1].Line != 3 {
		t.Errorf("found %v, want the name and the text in line 3", got)
	}
}

// mentions returns where the code of a file names a vendor.
func mentions(name string, src []byte) []token.Position {
	set := token.NewFileSet()
	file := set.AddFile(name, set.Base(), len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0) // without ScanComments they are passed over
	var found []token.Position
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return found
		}
		if vendors.MatchString(text) {
			found = append(found, set.Position(pos))
		}
	}
}
