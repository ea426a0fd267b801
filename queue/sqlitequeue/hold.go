package sqlitequeue

import (
	"context"
	"encoding/json"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
)

// Hold implements [queue.Log].
func (l *Log) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	data, err := json.Marshal(held)
	if err != nil {
		return err
	}
	var retryAt any
	if !held.RetryAt.IsZero() {
		retryAt = micros(held.RetryAt)
	}
	return l.fenced(ctx, "sqlitequeue: hold", fence, func(tx *sqlitedb.Tx) error {
		_, err := tx.Exec("UPDATE message SET retry_at = ?, held = ? WHERE pos = ?", retryAt, string(data), position(fence.Shard, entry))
		return err
	})
}
