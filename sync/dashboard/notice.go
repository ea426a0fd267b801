package dashboard

// notices are what a page says after an act, by the code in its address.
var notices = map[string]string{
	"queued":    "Queued: both sides are read afresh in a moment.",
	"replayed":  "Replayed: back at work. The table of replays below tells how it ends.",
	"gone":      "Nothing to do: those dead letters are not there any more.",
	"discarded": "Discarded for good.",
	"resolved":  "Resolved: what waited goes on.",
	"undone":    "Taken back. What people changed since was kept.",
	"erased":    "Erased for good. The receipt is in the audit.",
	"tested":    "A test was sent to everybody who is told of alerts.",
	"started":   "Started.",
	"cancelled": "Cancelled: it stops after what it is doing.",
	"suspended": "Suspended in every process within seconds.",
}
