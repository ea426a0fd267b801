package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

// peerVariable makes the test binary a second process that loads an account:
// it holds the address, the token, and when to count and to stop.
const peerVariable = "CRMSYNC_QUOTA_PEER"

// BenchmarkQuota writes contacts as fast as the quota allows and tells which
// part of the quota's records that is, over two windows after one to warm up.
//
//	go test -run '^$' -bench Quota ./hubspot
func BenchmarkQuota(b *testing.B) {
	own := func(b *testing.B, sim *hubspottest.Server, name string, p sync.Permits) func(context.Context, time.Time) int64 {
		a := loadAdapter(b, sim.URL, sim.Token, sim.Client(), p)
		b.Cleanup(func() { _ = a.Close(context.Background()) })
		return func(ctx context.Context, from time.Time) int64 { return saturate(ctx, a, name, from) }
	}
	for _, c := range []struct {
		name  string
		loads func(b *testing.B, sim *hubspottest.Server) []func(context.Context, time.Time) int64
	}{
		{"alone", func(b *testing.B, sim *hubspottest.Server) []func(context.Context, time.Time) int64 {
			return []func(context.Context, time.Time) int64{own(b, sim, "one", nil)}
		}},
		{"second-process", func(b *testing.B, sim *hubspottest.Server) []func(context.Context, time.Time) int64 {
			return []func(context.Context, time.Time) int64{own(b, sim, "one", nil), peer(b, sim)}
		}},
		{"shared-permits", func(b *testing.B, sim *hubspottest.Server) []func(context.Context, time.Time) int64 {
			p := &ratelimit.Shared{}
			return []func(context.Context, time.Time) int64{own(b, sim, "one", p), own(b, sim, "two", p)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				sim := loadAccount(hubspottest.NewServer)
				l := measure(sim, 20*time.Second, c.loads(b, sim)...)
				sim.Close()
				b.ReportMetric(float64(l.records)/l.span.Seconds(), "records/s")
				b.ReportMetric(l.ratio(), "of-quota")
				b.ReportMetric(100*l.limited(), "%429")
				b.ReportMetric(float64(l.calls)/l.span.Seconds()*10, "calls/10s")
			}
		})
	}
}

// peer is the load of a second process, which shares nothing but the account.
func peer(b *testing.B, sim *hubspottest.Server) func(context.Context, time.Time) int64 {
	return func(ctx context.Context, from time.Time) int64 {
		end, _ := ctx.Deadline()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d", peerVariable, sim.URL, sim.Token, from.UnixNano(), end.UnixNano()))
		out, err := cmd.Output()
		if err != nil {
			b.Errorf("the second process: %v", err)
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil {
			b.Errorf("the second process: %v", err)
		}
		return n
	}
}

// bePeer loads the account that the variable names and prints how many records
// it wrote.
func bePeer(variable string) error {
	var url, token string
	var from, end int64
	if _, err := fmt.Sscan(variable, &url, &token, &from, &end); err != nil {
		return err
	}
	a, err := New(Static(token), &Options{BaseURL: url, HTTPClient: &http.Client{Transport: slowly{http.DefaultTransport}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, end))
	defer cancel()
	fmt.Println(saturate(ctx, a, "peer", time.Unix(0, from)))
	return a.Close(context.Background())
}
