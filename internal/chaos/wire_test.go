//go:build unix

package chaos

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/urbanhub/crmsync/internal/loopback"
)

// A wire leads from the processes to a server, and may be cut and be long.
type wire struct {
	*toxiproxy.Proxy
	*length
}

// newWire lays a wire to a server.
func newWire(t *testing.T, server string) wire {
	t.Helper()
	at, err := loopback.Claim(t.Context()) // nobody else's while the wire is cut
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(at.Release)
	proxy := toxiproxy.NewProxy(silent(toxiproxy.NewServer, toxiproxy.NewMetricsContainer(nil)), server, at.String(), server)
	added, err := proxy.Toxics.AddToxicJson(strings.NewReader(`{"type": "length"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return wire{proxy, added.Toxic.(*length)}
}

// silent makes a server with the zero logger, which says nothing.
func silent[M, L any](newServer func(M, L) *toxiproxy.ApiServer, m M) *toxiproxy.ApiServer {
	var logger L
	return newServer(m, logger)
}

// A length is a toxic that holds answers back, for a time that may change
// while they pass. Toxiproxy's own would have to be stopped for that, and does
// not stop while it waits for a process that was killed.
type length struct{ atomic.Int64 } // the most, a time.Duration

func init() { toxics.Register("length", new(length)) }

// Pipe implements [toxics.Toxic].
func (l *length) Pipe(stub *toxics.ToxicStub) {
	for c := range stub.Input {
		time.Sleep(time.Duration(rand.Int64N(l.Load()+1)) - time.Since(c.Timestamp))
		stub.Output <- c
	}
	stub.Close()
}
