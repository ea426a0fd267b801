package dashboard

// An Action is what a request needs permission for; see [Options.Authorize].
type Action string

// The actions.
const (
	// View is looking at any screen, with the values of records masked.
	View Action = "view"
	// Reveal is looking at the values of one record: personal data.
	Reveal Action = "reveal"
	// SyncNow has records looked at at once.
	SyncNow Action = "sync"
	// Replay moves dead letters back to work, Discard deletes them.
	Replay  Action = "replay"
	Discard Action = "discard"
	// Resolve decides what a person must: an ambiguous match, an activity of
	// unknown outcome.
	Resolve Action = "resolve"
	// Erase removes a person's data for good, in both systems and here.
	Erase Action = "erase"
	// Export downloads the audit, without the values of records.
	Export Action = "export"
	// Undo takes writes back.
	Undo Action = "undo"
	// Measure reads records of the systems, which uses the vendors' quotas: a
	// dry run, a verification, a sweep, an inventory. What differs or was
	// missed is enqueued, unless it is a dry run.
	Measure Action = "measure"
	// Load walks through many records and syncs them: a backfill, or what a
	// dry run has found.
	Load Action = "load"
	// Test sends a test to those who are told of alerts.
	Test Action = "test"
	// Suspend throws a switch or puts it back.
	Suspend Action = "suspend"
)

// harmless reports whether the action is allowed in read-only mode.
func (a Action) harmless() bool { return a == View || a == Reveal }
