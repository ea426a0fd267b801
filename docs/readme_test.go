package docs_test

import (
	"strings"
	"testing"
)

// TestFirstScreen keeps what a newcomer reads before the first command short.
func TestFirstScreen(t *testing.T) {
	prose, _, found := strings.Cut(read(t, "README.md"), "```")
	if words := len(strings.Fields(prose)); !found || words >= 160 {
		t.Errorf("%d words stand before the first command of the README, want less than 160", words)
	}
}
