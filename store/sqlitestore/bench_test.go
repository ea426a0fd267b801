package sqlitestore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// BenchmarkCommit has 32 callers commit links with a base of about 1 kB and
// an audit entry each: new ones, then the same again.
func BenchmarkCommit(b *testing.B) {
	for _, relaxed := range []bool{false, true} {
		b.Run(fmt.Sprintf("relaxed=%t", relaxed), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "crmsync.db"), &sqlitestore.Options{Relaxed: relaxed})
			base := sync.Base{Left: sync.Shadow{Fields: sync.Fields{}}, Right: sync.Shadow{Fields: sync.Fields{}}}
			for i := range 10 {
				base.Left.Fields[fmt.Sprint("left", i)] = sync.Text(strings.Repeat("x", 40))
				base.Right.Fields[fmt.Sprint("right", i)] = sync.Text(strings.Repeat("x", 40))
			}
			var n atomic.Int64
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var l sync.Link
				for i := 0; pb.Next(); i++ {
					if i%2 == 0 {
						id := fmt.Sprintf("%032x", n.Add(1)*0x9e3779b9)
						l = sync.Link{ID: id, Flow: "contacts", Left: contact(id), Right: sync.Ref{System: "chat", Kind: "contact", ID: id}, State: sync.Active}
					}
					var err error
					l, err = s.Commit(context.Background(), now, sync.Commit{Link: l, Base: &base,
						Entries: []sync.Entry{{At: now, Kind: sync.EntryDecided, Flow: "contacts", Link: l.ID, Left: l.Left, Right: l.Right}}})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}
