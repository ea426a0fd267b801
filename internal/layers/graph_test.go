package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A pkg is what go list tells about a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string // what it imports itself, tests aside
	Deps       []string // what it reaches
}

// A graph holds packages by import path.
type graph map[string]*pkg

// load lists the module's packages and everything they reach.
func load(t *testing.T) graph {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	g := graph{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g
		}
		if err != nil {
			t.Fatal(err)
		}
		g[p.ImportPath] = &p
	}
}

// way returns a shortest chain of imports from one package to another.
func (g graph) way(from, to string) []string {
	chains := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(chains) > 0 {
		chain := chains[0]
		chains = chains[1:]
		last := chain[len(chain)-1]
		if last == to {
			return chain
		}
		for _, next := range g[last].Imports {
			if g[next] != nil && !seen[next] {
				seen[next] = true
				chains = append(chains, append(slices.Clip(chain), next))
			}
		}
	}
	return nil
}
