package dashboard

import (
	"context"

	"github.com/urbanhub/crmsync/sync"
)

// A counting store has an audit of n entries and nothing else.
type counting struct {
	sync.Store
	n     int64
	calls int
}

func (s *counting) Entries(_ context.Context, f sync.AuditFilter) ([]sync.Entry, error) {
	s.calls++
	if f.After >= s.n {
		return nil, nil
	}
	return []sync.Entry{{Seq: f.After + 1}}, nil
}
