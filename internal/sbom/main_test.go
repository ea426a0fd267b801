package main

import (
	"bytes"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestABillListsEveryModule(t *testing.T) {
	got := billOf(&debug.BuildInfo{GoVersion: "go1.26.1", Path: "example.com/a/cmd", Main: debug.Module{Path: "example.com/a", Version: "v1.2.3"},
		Deps: []*debug.Module{
			{Path: "example.com/b", Version: "v0.1.0", Sum: "h1:b="},
			{Path: "example.com/c", Version: "v9.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v9.0.1", Sum: "h1:f="}},
			{Path: "example.com/d", Version: "v2.0.0"},
		}})
	want := bill{Format: "CycloneDX", Spec: "1.6", Version: 1, Components: []component{
		{Type: "framework", Ref: "go", Name: "go", Version: "go1.26.1"},
		{"library", "pkg:golang/example.com/b@v0.1.0", "example.com/b", "v0.1.0", "pkg:golang/example.com/b@v0.1.0", []property{{"go.sum", "h1:b="}}},
		{"library", "pkg:golang/example.com/fork@v9.0.1", "example.com/fork", "v9.0.1", "pkg:golang/example.com/fork@v9.0.1", []property{{"go.sum", "h1:f="}}},
		{Type: "library", Ref: "pkg:golang/example.com/d@v2.0.0", Name: "example.com/d", Version: "v2.0.0", Package: "pkg:golang/example.com/d@v2.0.0"},
	}}
	want.Metadata.Component = component{Type: "application", Ref: "example.com/a/cmd", Name: "example.com/a/cmd", Version: "v1.2.3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoProgramHasNoBill(t *testing.T) {
	if err := write(&bytes.Buffer{}, "main.go"); err == nil {
		t.Error("a source is taken for a program")
	}
}
