package sync

import (
	"context"
	"time"
)

// EntryNoted is the kind of the entries of [Engine.Note].
const EntryNoted EntryKind = "noted"

// Note adds to the audit that a person did something the engine does not see
// by itself, such as looking at somebody's data: Note of the entry says who
// did what and why. The engine sets the kind and the time.
func (e *Engine) Note(ctx context.Context, n Entry) error {
	n.Kind, n.At, n.Decision = EntryNoted, time.Now(), nil
	return e.append(ctx, &Link{}, []Entry{n})
}
