package loopback_test

import (
	"net"
	"testing"

	"github.com/urbanhub/crmsync/internal/loopback"
)

// Whoever claims an address can listen there, also after somebody else has had
// all chances to claim it, and nobody else has it.
func TestAddressesAreApart(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		a, err := loopback.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Release)
		if seen[a.String()] {
			t.Errorf("%s was given twice", a)
		}
		seen[a.String()] = true
	}
	for address := range seen {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
