package crmsync_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeProgram keeps the README's program the one that is compiled here.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, ok := strings.Cut(string(source), "\nfunc run(")
	if !ok {
		t.Fatal("example_test.go has no func run")
	}
	if !strings.Contains(string(readme), "```go\nfunc run("+program+"```") {
		t.Error("the program in README.md differs from func run in example_test.go; copy it over")
	}
}
